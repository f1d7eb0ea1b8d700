"""A training that can be stopped, saved and taken up again."""

import numpy as np
import pytest

from emotion_hpo.config import ExperimentConfig, build, dump, with_value
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.study import Epoch
from emotion_hpo.training.fold_run import Checkpoint, EpochSelector, check_modalities, run
from tests.pipeline import SMALL, compose_config
from tests.ready_made import VECTORS


@pytest.fixture(scope="module")
def config():
    return compose_config(*SMALL).experiment()


def test_the_best_epoch_is_the_first_with_the_highest_value(config, data_module):
    outcome = run(config, data_module, 0, EpochSelector("val/accuracy"), lambda _: False)
    values = [one.metrics["val/accuracy"] for one in outcome.curve]
    assert outcome.value == max(values)
    assert outcome.best_epoch == values.index(max(values)) + 1
    labels = data_module.development.validation.labels
    assert (outcome.probabilities.argmax(1) == labels).mean() == pytest.approx(outcome.value)


def test_a_saved_run_continues_to_the_same_outcome(config, data_module, tmp_path):
    whole = run(config, data_module, 0, EpochSelector("val/uar"), lambda _: False)

    def save(progress):
        progress.make_checkpoint().save(tmp_path / "checkpoint.pt")
        return True

    run(config, data_module, 0, EpochSelector("val/uar"), save)
    saved = Checkpoint.load(tmp_path / "checkpoint.pt")
    rest = run(config, data_module, 0, EpochSelector("val/uar"), lambda _: False, saved)
    assert [one.metrics for one in rest.curve] == [one.metrics for one in whole.curve]
    assert np.array_equal(rest.probabilities, whole.probabilities)


def test_the_objective_decides_the_best_epoch(config, data_module):
    for objective in ("val/accuracy", "val/uar", "val/macro_f1"):
        outcome = run(config, data_module, 0, EpochSelector(objective), lambda _: False)
        assert outcome.value == max(one.metrics[objective] for one in outcome.curve)


def test_no_checkpoint_is_none(tmp_path):
    assert Checkpoint.load(tmp_path / "checkpoint.pt") is None


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04broken", b"\x80\x02}q\x00."]
)
def test_a_broken_checkpoint_is_named(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"checkpoint.pt is broken"):
        Checkpoint.load(path)


def test_readings_are_shared_by_trials_that_read_alike(config, data_module):
    other_dropout = build(ExperimentConfig, with_value(dump(config), "model.dropout", 0.3))
    shorter = build(ExperimentConfig, with_value(dump(config), "features.speech.max_frames", 5))
    assert data_module.fold(config) is data_module.fold(other_dropout)
    assert data_module.fold(config) is not data_module.fold(shorter)


def test_frames_are_not_read_alike_as_statistics(config, data_module):
    described = build(ExperimentConfig, with_value(dump(config), "model.frames", "statistics"))
    before, after = (data_module.fold(which).preprocessor for which in (config, described))
    for name in ("speech", "mocap"):
        shape = after.shapes()[name]
        assert shape.max_length == 1
        assert shape.dimensions == 9 * before.shapes()[name].dimensions
    assert after.shapes()["text"] == before.shapes()["text"]
    outcome = run(described, data_module, 0, EpochSelector("val/accuracy"), lambda _: True)
    assert np.isfinite(outcome.probabilities).all()


def test_trials_share_the_factors_of_a_training_part(config, data_module):
    with_factors = with_value(dump(config), "features.text_factors", {"components": 5})
    with_factors["model"]["encoders"] = {"text_factors": VECTORS}
    shorter = with_value(with_factors, "features.text.max_words", 9)
    first, second = (
        data_module.fold(build(ExperimentConfig, plain)).preprocessor
        for plain in (with_factors, shorter)
    )
    assert first is not second
    assert first.factors is second.factors


def test_a_modality_that_the_corpus_lacks_is_named(config):
    check_modalities(config, ("speech", "text", "mocap"), "twin")
    with pytest.raises(ConfigError, match="corpus emodb has speech, text, but the model reads"):
        check_modalities(config, ("speech", "text"), "emodb")


def test_a_view_that_is_switched_off_is_named(config):
    plain = dump(config)
    plain["model"]["encoders"] = {"text_factors": VECTORS}
    with pytest.raises(ConfigError, match=r"features.text_factors is null; give it a value"):
        check_modalities(build(ExperimentConfig, plain), ("text",), "own")


def curve_of(*accuracies):
    return tuple(
        Epoch(number, {"val/accuracy": one, "val/loss": -one}, 1.0, 0.0)
        for number, one in enumerate(accuracies, start=1)
    )


@pytest.mark.parametrize(
    ("accuracies", "patience", "is_out"),
    [
        ((0.5, 0.4, 0.4), 2, True),
        ((0.5, 0.4), 2, False),  # it has waited for one
        ((0.5, 0.4, 0.6), 2, False),  # it was worth waiting
        ((0.5, 0.5, 0.5), 2, True),  # as good is not better
        ((0.5, 0.4, 0.4), None, False),
        ((0.5,), 1, False),
    ],
)
def test_patience_ends_where_nothing_got_better(accuracies, patience, is_out):
    for objective in ("val/accuracy", "val/loss"):  # the highest, the lowest
        assert EpochSelector(objective).should_stop(patience, curve_of(*accuracies)) is is_out


def test_patience_ends_a_training_and_its_continuation(config, data_module, tmp_path):
    impatient = build(ExperimentConfig, with_value(dump(config), "training.patience", 1))
    longer = build(ExperimentConfig, with_value(dump(impatient), "training.epochs", 30))

    def save(progress):
        progress.make_checkpoint().save(tmp_path / "checkpoint.pt")
        return False

    whole = run(longer, data_module, 0, EpochSelector("val/accuracy"), save)
    assert len(whole.curve) == whole.best_epoch + 1 < 30
    saved = Checkpoint.load(tmp_path / "checkpoint.pt")
    again = run(longer, data_module, 0, EpochSelector("val/accuracy"), lambda _: False, saved)
    assert len(again.curve) == len(whole.curve)
