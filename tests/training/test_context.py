"""A model with context: trained by dialogues, asked with all, part or none of them."""

import numpy as np
import pytest
import torch

from emotion_hpo.config import ExperimentConfig, build, dump, with_value
from emotion_hpo.dataset import dialogues, resident
from emotion_hpo.dataset.resident import ResidentDataset
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models.network import Network
from emotion_hpo.training import loop
from emotion_hpo.training.learner import build_learner, describe_reading, fit_preprocessor
from tests.dialogues import CLASSES, CONTEXTS, ENCODERS, make_config, make_shelf, make_turns

FROZEN = {name: encoder | {"frozen": True} for name, encoder in ENCODERS.items()}
SIDES = ("past", "both")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def turns() -> Utterances:
    return make_turns(make_shelf())


@pytest.fixture(scope="module")
def unseen() -> Utterances:
    return make_turns(make_shelf((6, 2, 8), seed=1))


class Trained:
    """A configuration, trained on some turns: curve, checkpoints by epoch, and the learner."""

    def __init__(self, config, turns, validation=None, start=None, seed=0) -> None:
        self.preprocessor = fit_preprocessor(config, turns.labelled())
        self.learner = build_learner(config, self.preprocessor, len(CLASSES), seed=seed)
        self.curve, self.checkpoints = [], {}
        train = self.read(turns)
        data = None if validation is None else self.read(validation)
        self.learner.fit(train, data, 7, self._on_epoch, start)

    def read(self, turns):
        return self.preprocessor.transform(turns.labelled())

    def _on_epoch(self, epoch, _evaluation, checkpoint):
        self.curve.append(dict(epoch.metrics))
        saved = checkpoint()
        self.checkpoints[epoch.epoch] = type(saved)(*map(clone, vars(saved).values()))
        return False


def clone(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: clone(part) for key, part in value.items()}
    return [clone(part) for part in value] if isinstance(value, list) else value


def untrained(config, turns, seed=0):
    preprocessor = fit_preprocessor(config, turns.labelled())
    return build_learner(config, preprocessor, len(CLASSES), seed=seed), preprocessor


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("reads", SIDES)
def test_a_training_continues_to_the_same_end(turns, unseen, context, reads):
    settings = CONTEXTS[context] | {"reads": reads, "dropout": 0.3, "context_dropout": 0.3}
    augmentation = {"time_mask": 0.3, "noise": 0.1, "word_dropout": 0.2}
    config = make_config(settings, {"augmentation": augmentation}, dropout=0.2)
    whole = Trained(config, turns, unseen)
    rest = Trained(config, turns, unseen, start=whole.checkpoints[1])
    assert rest.curve == whole.curve[1:]
    for name, value in whole.learner.network.state_dict().items():
        assert torch.equal(value, rest.learner.network.state_dict()[name]), name


@pytest.mark.parametrize("reads", SIDES)
@pytest.mark.parametrize("context", CONTEXTS)
def test_answers_with_all_part_or_none_of_a_dialogue(unseen, context, reads):
    learner, preprocessor = untrained(make_config(CONTEXTS[context] | {"reads": reads}), unseen)
    data = preprocessor.transform(unseen.labelled())
    everything, past, alone = (
        learner.probabilities(data, each) for each in ("all", "past", "alone")
    )
    lone = [learner.answer(data, row) for row in range(len(data))]
    np.testing.assert_allclose(alone, torch.tensor(np.array(lone)).softmax(1), atol=1e-5)
    without = unseen.table.assign(turn=None, start_s=None, dialogue=None)
    apart = Utterances(without, unseen.classes, unseen._shards, unseen._places)
    no_context = learner.probabilities(preprocessor.transform(apart.labelled()))
    np.testing.assert_allclose(alone, no_context, atol=1e-5)
    assert not np.allclose(alone, everything, atol=1e-3)
    prefix = learner.evaluate(data.reading("past")).probabilities  # the long way, for both
    np.testing.assert_allclose(past, prefix, atol=1e-5)
    assert np.allclose(past, everything, atol=1e-5) == (reads == "past")
    for row, key in enumerate(data.utterances.ids[:6]):
        here_and_before = unseen.table["utterance_id"] == key
        dialogue, turn = unseen.table.loc[here_and_before, ["dialogue", "turn"]].iloc[0]
        table = unseen.table
        rows = np.flatnonzero((table["dialogue"] == dialogue) & (table["turn"] <= turn))
        cut = unseen.subset(rows)
        answers = learner.probabilities(preprocessor.transform(cut.labelled()))
        np.testing.assert_allclose(past[row], answers[cut.labelled().ids.index(key)], atol=1e-5)


@pytest.mark.parametrize("reads", SIDES)
@pytest.mark.parametrize("context", CONTEXTS)
def test_what_else_is_in_a_batch_changes_no_answer(unseen, monkeypatch, context, reads):
    """Nor do other dialogues, or their order: each by itself, and all in the order of an epoch."""
    learner, preprocessor = untrained(make_config(CONTEXTS[context] | {"reads": reads}), unseen)
    data = preprocessor.transform(unseen.labelled())
    together = learner.probabilities(data)
    monkeypatch.setattr(dialogues, "_EVALUATED", 1)
    monkeypatch.setattr(loop, "EVALUATION_BATCH", 1)
    np.testing.assert_allclose(learner.probabilities(data), together, atol=1e-6)
    learner.network.eval()
    for seed in (1, 2):
        (batch,) = data.epoch(1000, 1, [seed])
        answers = learner.network(batch.inputs).softmax(1).detach().numpy()
        np.testing.assert_allclose(answers, together[batch.rows], atol=1e-6)


def test_which_turns_have_a_label_changes_no_answer(unseen):
    learner, preprocessor = untrained(make_config(CONTEXTS["recurrent"]), unseen)
    few = preprocessor.transform(unseen.labelled())
    table = unseen.table.assign(emotion="ang")
    every = Utterances(table, unseen.classes, unseen._shards, unseen._places)
    answers = learner.probabilities(preprocessor.transform(every))
    rows = [every.ids.index(key) for key in few.utterances.ids]
    np.testing.assert_allclose(answers[rows], learner.probabilities(few), atol=1e-6)


def test_the_loss_is_of_labelled_turns_alone(turns):
    """The mean cross entropy of the first epoch, without steps that would change it."""
    config = make_config(CONTEXTS["gru"], {"learning_rate": 1e-12, "epochs": 1})
    trained = Trained(config, turns)
    learner, preprocessor = untrained(config, turns)
    data = preprocessor.transform(turns.labelled())
    scores = learner.evaluate(data).metrics
    assert trained.curve[0]["train/loss"] == pytest.approx(scores["loss"], rel=1e-5)
    answers = learner.probabilities(data)
    own = answers[np.arange(len(data)), data.labels.numpy()]
    assert scores["loss"] == pytest.approx(-np.log(own).mean(), rel=1e-5)


def test_the_words_of_a_turn_without_a_label_are_learnt_from_as_context(turns):
    """Its features reach the training through its neighbours; without context they do not."""
    rows = np.flatnonzero(turns.labels < 0)
    shelf = make_shelf()
    turn_of = {key: row for row, key in enumerate(shelf.table["utterance_id"])}
    for row in rows:
        shelf.features["voice"][turn_of[turns.ids[row]]] = np.full((1, 6), 3, np.float32)
    changed = make_turns(shelf)
    for context, is_same in ((None, True), (CONTEXTS["recurrent"], False)):
        config = make_config(context)
        curves = [Trained(config, each).curve for each in (turns, changed)]
        assert (curves[0] == curves[1]) == is_same


def test_the_loss_falls_with_every_context(turns, unseen):
    for context in CONTEXTS.values():
        curve = Trained(make_config(context, {"epochs": 12}), turns, unseen).curve
        assert curve[-1]["train/loss"] < 0.8 * curve[0]["train/loss"], context


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("label_smoothing", 0.2),
        ("class_weights", "balanced"),
        ("labels", "votes"),
        ("batch_turns", 5),
        ("augmentation", {"noise": 0.3}),
        ("clip_norm", 0.01),
    ],
)
def test_each_knob_turns_something(turns, path, value):
    shelf = make_shelf()
    shelf.table["votes"] = '{"ang": 1, "sad": 2}'
    voted = make_turns(shelf)
    plain, changed = make_config(CONTEXTS["gru"]), make_config(CONTEXTS["gru"], {path: value})
    assert Trained(changed, voted).curve != Trained(plain, voted).curve


def test_context_dropout_answers_as_if_alone(turns):
    """Nearly all turns hidden: what stands in the other turns changes no loss."""
    shelf = make_shelf()
    for row in np.flatnonzero(shelf.table["emotion"].isna()):
        shelf.features["voice"][row] = np.full((1, 6), 3, np.float32)
    fitted = make_config(CONTEXTS["recurrent"] | {"context_dropout": 0.9999999})
    learner, preprocessor = untrained(fitted, turns)
    losses = []
    for every in (turns, make_turns(shelf)):
        data = preprocessor.transform(every.labelled())
        learner.network.train()
        (batch,) = data.epoch(100, 1, [0])
        losses.append(learner.network(batch.inputs))
    torch.testing.assert_close(*losses)
    learner.network.eval()
    assert not torch.allclose(learner.network(batch.inputs), losses[1])


def test_a_device_trains_as_the_memory_map_does(turns, unseen, monkeypatch):
    config = make_config(CONTEXTS["attention"])
    usual = Trained(config, turns, unseen).curve

    def on_device(data, device):
        return data.reading_from(ResidentDataset(data.turns, device))

    monkeypatch.setattr(loop, "on_device", on_device)
    assert Trained(config, turns, unseen).curve == usual


@pytest.mark.parametrize("context", [None, CONTEXTS["recurrent"]], ids=["alone", "context"])
def test_vectors_of_frozen_encoders_are_kept(turns, unseen, context, monkeypatch):
    """They are computed once for a data set, and the answers are those of all that is read."""
    reads = []
    encode = resident._encode
    monkeypatch.setattr(resident, "_encode", lambda *args: reads.append(1) or encode(*args))
    config = make_config(context, {"epochs": 4}, encoders=FROZEN)
    trained = Trained(config, turns, unseen)
    assert len(reads) == 2, "once for each part"
    learner, data = trained.learner, trained.read(unseen)
    answers = learner.probabilities(data)
    monkeypatch.setattr(Network, "fixed_encoders", None)
    np.testing.assert_allclose(learner.probabilities(data), answers, atol=1e-5)
    whole = Trained(config, turns, unseen)
    for first, second in zip(trained.curve, whole.curve, strict=True):
        assert first["train/loss"] == pytest.approx(second["train/loss"], rel=1e-4)
    assert trained.curve[-1]["train/loss"] < trained.curve[0]["train/loss"]


def test_other_weights_make_other_vectors(turns):
    config = make_config(CONTEXTS["gru"], encoders=FROZEN)
    learner, preprocessor = untrained(config, turns)
    data = preprocessor.transform(turns.labelled())
    before = learner.probabilities(data)
    other, _ = untrained(config, turns, seed=1)
    state = other.state()
    learner.load(state)
    after = learner.probabilities(data)
    np.testing.assert_allclose(after, other.probabilities(data), atol=1e-6)
    assert not np.allclose(before, after)


def test_augmented_features_pass_frozen_encoders(turns):
    curves = [
        Trained(make_config(CONTEXTS["gru"], training, encoders=FROZEN), turns).curve
        for training in ({}, {"augmentation": {"noise": 0.5}})
    ]
    assert curves[0] != curves[1]


def test_encoders_of_a_finished_training_are_taken(turns, tmp_path):
    trained = Trained(make_config(), turns)
    torch.save(trained.learner.state(), tmp_path / "weights.pt")
    weights = {"weights": str(tmp_path / "weights.pt"), "frozen": True}
    encoders = {name: ENCODERS[name] | weights for name in ("speech", "voice")}
    config = make_config(CONTEXTS["gru"], encoders=encoders)
    with_context = Trained(config, turns).learner.state()
    for name, value in trained.learner.state().items():
        if name.startswith(("encoders.speech", "encoders.voice")):
            assert torch.equal(value, with_context[name]), name


def test_the_same_seed_gives_encoders_and_head_the_same_weights(turns):
    alone, _ = untrained(make_config(), turns)
    for context in CONTEXTS.values():
        learner, _ = untrained(make_config(context), turns)
        state = learner.state()
        for name, value in alone.state().items():
            if "text.embedding" not in name:  # of every turn's words
                assert torch.equal(value, state[name]), name
        assert any(name.startswith("context.") for name in state)
    assert not any(name.startswith("context.") for name in alone.state())


def test_readings_with_and_without_context_are_told_apart(turns):
    configs = [make_config(), make_config(CONTEXTS["gru"]), make_config(CONTEXTS["attention"])]
    keys = [describe_reading(config, turns.labelled()) for config in configs]
    assert keys[0] != keys[1] == keys[2]


def test_mixup_of_dialogues_is_refused():
    config = make_config(CONTEXTS["gru"])
    plain = with_value(dump(config), "training.augmentation.mixup", 0.2)
    with pytest.raises(ConfigError, match=r"^training\.augmentation\.mixup: turns that are read"):
        build(ExperimentConfig, plain)
    without = with_value(plain, "model.context", {"name": "none"})
    assert build(ExperimentConfig, without).training.augmentation.mixup == 0.2
