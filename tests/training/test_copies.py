"""Training on copies of recordings: of the training part alone, by the seed, and off as before."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.config import ExperimentConfig, SearchConfig, build, dump, with_value
from emotion_hpo.corpus import Twin
from emotion_hpo.errors import ConfigError
from emotion_hpo.features import preparation
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.models.classical import _groups, divisions
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.splits.parts import Development, split
from emotion_hpo.training.fold_run import Checkpoint, DataModule, EpochSelector, run
from tests.pipeline import SMALL, compose_config, compose_open_config

SELECTOR = EpochSelector("val/accuracy")
SPEED = "training.augmentation.speed"


@pytest.fixture(scope="module")
def config() -> SearchConfig:
    return compose_config(*SMALL, f"{SPEED}=0.1")


@pytest.fixture(scope="module")
def read() -> list[str]:
    """The sessions of which recordings were read."""
    return []


@pytest.fixture(scope="module")
def development(config, small_features, read) -> Development:
    """The small twin's, with copies of its recordings."""
    recordings = Twin.recordings

    def note(corpus: Twin, session: str, dialogue: str) -> Any:
        read.append(session)
        return recordings(corpus, session, dialogue)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Twin, "recordings", note)
        patched.setattr(preparation, "n_readers", lambda: 1)
        return split(prepare_features(config, small_features, quiet), config.split)[0]


def curve(config: ExperimentConfig, data_module: DataModule) -> list[Mapping[str, float]]:
    return [one.metrics for one in run(config, data_module, 0, SELECTOR, lambda _: False).curve]


class _Guarded:
    """A shelf of copies of which some utterances alone may be read."""

    extracted = frozenset[str]()

    def __init__(self, shard: Any, ids: set[str]) -> None:
        known = shard.table["utterance_id"]
        self.features = {
            name: _Rows(ragged, set(np.flatnonzero(known.isin(ids))))
            for name, ragged in shard.features.items()
        }


class _Rows:
    def __init__(self, ragged: Any, rows: set[int]) -> None:
        self._ragged, self._rows = ragged, rows

    def __getitem__(self, row: int) -> Any:
        assert row in self._rows, "a copy that training may not see"
        return self._ragged[row]


def guarded(development: Development, ids: list[str]) -> DataModule:
    def guard(opens: Any) -> Any:
        return lambda session: _Guarded(opens(session), set(ids))

    copies = {copy: guard(opens) for copy, opens in development.copies.items()}
    return DataModule(Development(development.folds, development.everything, copies))


def test_an_utterance_is_followed_by_its_copies(config, development):
    train = development.folds[0].train
    both = development.with_copies(train, config.perturbations)
    assert [copy.amount for copy in config.perturbations] == [0.9, 1.1]
    n = len(train)
    assert both.ids == 3 * train.ids
    assert (both.labels == np.tile(train.labels, 3)).all()
    speakers = [set(both.table["speaker"][start : start + n]) for start in (0, n, 2 * n)]
    assert len(set.union(*speakers)) == sum(map(len, speakers)), "each voice is scaled by itself"
    for row in range(n):
        plain, slower, faster = (len(both.sequence("speech", row + k * n)) for k in range(3))
        assert faster <= plain <= slower
        assert abs(slower - plain / 0.9) < 2
        copied = both.sequence("mocap", row + n)
        np.testing.assert_array_equal(copied, train.sequence("mocap", row))
    assert (both.table["transcript"][n : 2 * n].to_numpy() == train.table["transcript"]).all()


def test_no_copy_of_another_part_is_read(config, development, read):
    fold = development.folds[0]
    plain = curve(config, DataModule(development))
    assert curve(config, guarded(development, fold.train.ids)) == plain
    with pytest.raises(AssertionError, match="a copy that training may not see"):
        curve(config, guarded(development, fold.validation.ids))
    _, dataset = guarded(development, development.everything.ids).everything(config)
    assert len(dataset) == 3 * len(development.everything)
    assert read, "the copies were extracted here"
    assert "5" not in read, "the sealed session was not"
    with pytest.raises(KeyError, match="5"):
        development.copies[config.perturbations[0]]("5")


def test_what_is_fitted_and_what_judges_knows_no_copy(config, development, data_module):
    off = build(SearchConfig, with_value(dump(config), SPEED, 0.0)).experiment()
    copied = DataModule(development)
    with_copies, without = copied.fold(config), data_module.fold(off)
    assert len(with_copies.train) == 3 * len(without.train)
    assert len(with_copies.validation) == len(without.validation)
    first, second = with_copies.preprocessor, without.preprocessor
    assert first.vocabulary.words == second.vocabulary.words
    for name, reader in first.readers.items():
        assert (reader.corpus.mean == second.readers[name].corpus.mean).all()
    counts, plain = (np.bincount(data.train.labels) for data in (with_copies, without))
    assert (counts == 3 * plain).all(), "classes weigh as they did"
    assert curve(off, copied) == curve(off, data_module)
    assert copied.fold(config) is with_copies, "both readings are held"


def test_a_training_with_copies_continues_to_the_same_end(config, development, tmp_path):
    data_module = DataModule(development)
    whole = curve(config, data_module)

    def save(progress: Any) -> bool:
        progress.make_checkpoint().save(tmp_path / "checkpoint.pt")
        return True

    run(config, data_module, 0, SELECTOR, save)
    saved = Checkpoint.load(tmp_path / "checkpoint.pt")
    rest = run(config, data_module, 0, SELECTOR, lambda _: False, saved)
    assert [epoch.metrics for epoch in rest.curve] == whole == curve(config, data_module)
    off = build(SearchConfig, with_value(dump(config), SPEED, 0.0))
    assert whole != curve(off, data_module)


@pytest.mark.parametrize("model", ["linear", "svm"])
def test_classical_models_learn_from_copies(development, model):
    config = compose_config(*SMALL, f"{SPEED}=0.1", f"model={model}", "model.modalities=[speech]")
    train = development.folds[0].train
    (metrics,) = curve(config, guarded(development, train.ids))
    off = build(SearchConfig, with_value(dump(config), SPEED, 0.0))
    assert metrics != curve(off, DataModule(development))[0]


def test_copies_stay_with_their_utterance_where_all_is_a_dialogue():
    ids = np.tile(["a", "b", "c"], 2)
    groups = _groups(pd.DataFrame({"utterance_id": ids, "dialogue": "d"}))
    parts = [*divisions(np.zeros(6, np.int64), groups, 1)]
    assert len(parts) == 3
    assert all(set(ids[learnt]).isdisjoint(ids[other]) for learnt, other in parts)


def test_statistics_of_copies_are_read_as_those_of_utterances(config, development):
    described = build(SearchConfig, with_value(dump(config), "model.frames", "statistics"))
    data = guarded(development, development.folds[0].train.ids).fold(described).train
    n = len(data) // 3
    values = data.batch(np.array([0, n, 2 * n])).modalities["speech"].values  # noqa: PD011 (a tensor)
    assert values.shape[1] == 1
    assert (values[0] != values[1]).any()
    assert (values[1] != values[2]).any()


def test_copies_that_say_the_same_again_are_refused(development):
    config = compose_config(*SMALL, f"{SPEED}=0.1", "model=linear", "model.modalities=[text]")
    with pytest.raises(ConfigError, match="reads nothing that is made of recordings"):
        DataModule(development).check(config)


@pytest.mark.parametrize(("overrides", "message"), [
    (("+model.context={name: recurrent}",), "a dialogue has no copies"),
    (("model=linear", "model.turns_before=2"), "a dialogue has no copies"),
    ((f"+space.{SPEED}={{low: 0.0, high: 0.1}}",), "is searched over choices, such as"),
    ((f"+space.{SPEED}={{choices: [0.0, 3.0]}}",), "less than or equal to 0.5, but got 3.0"),
])  # fmt: skip
def test_what_has_no_copies_is_refused(overrides, message):
    with pytest.raises(ConfigError, match=message) as error:
        compose_config(*SMALL, f"{SPEED}=0.1", *overrides)
    assert len(str(error.value).splitlines()) == 1


def test_a_search_makes_the_copies_of_every_choice():
    config = compose_config(
        *SMALL, "training.augmentation.pitch=1", f"+space.{SPEED}={{choices: [0.0, 0.1, 0.2]}}"
    )
    assert [*map(str, config.perturbations)] == [
        "pitch -1", "pitch +1", "speed 0.9", "speed 1.1", "speed 0.8", "speed 1.2",
    ]  # fmt: skip
    assert [*map(str, config.experiment().perturbations)] == ["pitch -1", "pitch +1"]


def test_an_epoch_passes_over_the_copies_too():
    plain, _ = resolve_budget(compose_open_config("training.steps=280"), 798)
    config, line = resolve_budget(compose_open_config("training.steps=280", f"{SPEED}=0.1"), 266)
    assert line == "266 utterances and 532 copies: 22 epochs of 13 steps, batches of 64"
    assert config.training.epochs == plain.training.epochs
