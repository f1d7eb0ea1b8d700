"""One contract for whatever can be trained: networks and classical models."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from emotion_hpo.config import build, dump, with_value
from emotion_hpo.config.search import ExperimentConfig
from emotion_hpo.dataset.vectors import to_bytes
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.training.learner import build_learner, fit_preprocessor, n_epochs
from tests.pipeline import SMALL, compose_config

LEARNERS = {
    "network": ("model=smoke", "training.epochs=2"),
    "linear": ("model=linear",),
    "svm": ("model=svm",),
    "rbf": ("model=svm", "model.kernel=rbf", "model.c=10"),
    "boosting": ("model=boosting", "model.iterations=5"),
}
CLASSICAL = [name for name in LEARNERS if name != "network"]


def configure(name, *overrides):
    return compose_config(*SMALL, *LEARNERS[name], *overrides).experiment()


def trained(config, fold_data, seed=0):
    learner, epochs = build_learner(config, fold_data.preprocessor, 4, seed=seed), []

    def on_epoch(epoch, evaluation, make_state):
        epochs.append((epoch, evaluation, make_state))
        return False

    learner.fit(fold_data.train, fold_data.validation, seed, on_epoch)
    return learner, epochs


@pytest.fixture(scope="module", params=LEARNERS)
def case(request, data_module):
    """A configuration, its fold, and a learner that was trained on it, with its epochs."""
    config = configure(request.param)
    fold_data = data_module.fold(config)
    return config, fold_data, *trained(config, fold_data)


class TestLearner:
    def test_answers_are_probabilities_and_every_epoch_is_handed_on(self, case):
        config, fold_data, learner, epochs = case
        answers = learner.probabilities(fold_data.validation)
        assert answers.shape == (len(fold_data.validation), 4)
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-5)
        assert len(epochs) == n_epochs(config)
        epoch, evaluation, _ = epochs[-1]
        assert epoch.epoch == len(epochs)
        assert {"train/loss", "val/loss", "val/accuracy", "val/uar"} <= epoch.metrics.keys()
        assert epoch.metrics["val/loss"] == evaluation.metrics["loss"]
        np.testing.assert_array_equal(evaluation.probabilities, answers)
        assert 0 < learner.n_parameters <= learner.n_weights

    def test_the_same_seed_gives_the_same_answers(self, case):
        config, fold_data, learner, _ = case
        again, _ = trained(config, fold_data)
        np.testing.assert_array_equal(
            again.probabilities(fold_data.validation), learner.probabilities(fold_data.validation)
        )

    def test_its_state_answers_alike_in_a_file_and_in_a_checkpoint(self, case, tmp_path):
        config, fold_data, learner, epochs = case
        torch.save(learner.state(), tmp_path / "state.pt")
        state = torch.load(tmp_path / "state.pt", weights_only=True)
        loaded = build_learner(config, fold_data.preprocessor, 4, seed=5, blank=True)
        loaded.load(state)
        answers = learner.probabilities(fold_data.validation)
        np.testing.assert_array_equal(loaded.probabilities(fold_data.validation), answers)
        continued = build_learner(config, fold_data.preprocessor, 4, seed=0)
        start = epochs[-1][2]()
        more = []
        continued.fit(fold_data.train, fold_data.validation, 0, lambda *of: more.append(of), start)
        assert more == [], "nothing was left to train"
        np.testing.assert_array_equal(continued.probabilities(fold_data.validation), answers)

    def test_an_utterance_alone_is_answered_as_among_others(self, case):
        _, fold_data, learner, _ = case
        among = learner.probabilities(fold_data.validation)
        for row in (0, 5):
            alone = learner.probabilities(fold_data.validation.subset(np.array([row])))
            np.testing.assert_allclose(alone[0], among[row], atol=0.01)  # bfloat16 rounds
            assert learner.answer(fold_data.validation, row).argmax() == among[row].argmax()

    @pytest.mark.parametrize("modality", ["text", "speech", "mocap"])
    def test_a_missing_modality_is_no_fault(self, case, modality, data_module):
        _, fold_data, learner, _ = case
        validation = data_module.development.folds[0].validation.without(modality)
        answers = learner.probabilities(fold_data.preprocessor.transform(validation))
        np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", CLASSICAL)
def test_random_labels_end_at_chance(small_parts, name):
    """Whatever is fitted is fitted on the training part: on others nothing is known."""
    config, everything = configure(name), small_parts[0].everything
    generator, accuracies = np.random.default_rng(0), []
    dialogues = everything.table["dialogue"].to_numpy(str)
    held_out = np.isin(dialogues, np.unique(dialogues)[::2])
    for _ in range(4):
        part = everything.subset(slice(None))
        emotions = generator.choice(everything.classes, len(part))
        part.table = part.table.assign(emotion=emotions)
        train, other = part.subset(np.flatnonzero(~held_out)), part.subset(np.flatnonzero(held_out))
        preprocessor = fit_preprocessor(config, train)
        learner = build_learner(config, preprocessor, 4, seed=0)
        learner.fit(preprocessor.transform(train), None, 0, lambda *_: False)
        answers = learner.probabilities(preprocessor.transform(other)).argmax(1)
        accuracies.append((answers == other.labels).mean())
    assert abs(np.mean(accuracies) - 0.25) < 0.13, "four standard errors"


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_model_file_is_read_without_pickle(data_module, tmp_path, name, small_saved_model):
    config = configure(name)
    fold_data = data_module.fold(config)
    learner, _ = trained(config, fold_data)
    saved_model = replace(
        small_saved_model,
        config=config,
        preprocessor=fold_data.preprocessor,
        networks=(learner.state(),),
    )
    saved_model.save(tmp_path / "model.pt")
    loaded = SavedModel.load(tmp_path / "model.pt")
    raw = data_module.development.folds[0].validation
    np.testing.assert_array_equal(
        loaded.probabilities(loaded.preprocessor.transform(raw))[0],
        learner.probabilities(fold_data.validation),
    )
    broken = learner.state()
    broken.pop(next(key for key in broken if key.startswith("scorer.")))
    replace(saved_model, networks=(broken,)).save(tmp_path / "broken.pt")
    with pytest.raises(StudyError, match=r"broken\.pt cannot be used: this is not the state of"):
        SavedModel.load(tmp_path / "broken.pt")


class Foreign:
    """What no model holds."""


@pytest.mark.parametrize(("name", "key"), [("rbf", "scorer.machine"), ("boosting", "scorer.trees")])
def test_a_foreign_object_is_refused(data_module, name, key):
    from skops import io

    config = configure(name)
    fold_data = data_module.fold(config)
    state = trained(config, fold_data)[0].state()
    learner = build_learner(config, fold_data.preprocessor, 4, seed=0, blank=True)
    for content in (io.dumps(Foreign()), io.dumps(np.arange(3)), b"no archive"):
        with pytest.raises(StudyError, match="not the state of a model of learner="):
            learner.load(state | {key: to_bytes(content)})


def test_what_a_classical_model_cannot_do_is_said(data_module):
    votes = configure("linear", "training.labels=votes")
    with pytest.raises(ConfigError, match=r"training\.labels: learner=linear learns from"):
        data_module.check(votes)
    other = build(
        ExperimentConfig, with_value(dump(configure("svm")), "model.modalities", ["video"])
    )
    with pytest.raises(ConfigError, match=r"model\.modalities: unknown modality .* 'video'"):
        data_module.check(other)


def test_a_network_answers_one_utterance_on_one_thread(data_module):
    """Alone it takes no longer, and on a busy machine does not wait for the second."""
    config = configure("network")
    fold_data = data_module.fold(config)
    learner, n_threads = build_learner(config, fold_data.preprocessor, 4, seed=0), []
    learner.network.register_forward_hook(lambda *_: n_threads.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        learner.answer(fold_data.validation, 0)
        learner.probabilities(fold_data.validation.subset(np.array([0])))
        learner.probabilities(fold_data.validation.subset(np.array([0, 1])))
    finally:
        torch.set_num_threads(before)
    assert n_threads == [1, 1, 2]
