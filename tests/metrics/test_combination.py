"""Combining answers: laws that hold for any probabilities, and weights that validation chose."""

import numpy as np
import pytest

from emotion_hpo import metrics
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import combination as decision


@pytest.fixture
def drawn():
    return np.random.default_rng(0).dirichlet(np.ones(4), (3, 50)).astype(np.float32)


def combined(drawn):
    yield decision.average(drawn)
    yield decision.maximum_confidence(drawn)
    yield decision.weighted(drawn, np.array([1.0, 2.0, 0.0]))


def test_answers_are_probabilities(drawn):
    for one in combined(drawn):
        assert one.shape == (50, 4)
        np.testing.assert_allclose(one.sum(1), 1, rtol=1e-5)


def write(path, ids, probabilities):
    labels = np.zeros(len(ids), np.int64)
    np.savez(path, utterance_id=np.array(ids), label=labels, probabilities=probabilities)
    return path


def test_trials_are_stacked_from_their_files(tmp_path, drawn):
    ids = [f"u{n}" for n in range(50)]
    files = [write(tmp_path / f"{m}.npz", ids, one) for m, one in enumerate(drawn)]
    found, labels = decision.stack_answers(files)
    assert np.array_equal(found, drawn)
    assert labels.shape == (50,)
    other = write(tmp_path / "other.npz", ids[::-1], drawn[0])
    with pytest.raises(StudyError, match="about different utterances; combine trials of one split"):
        decision.stack_answers([files[0], other])


def test_models_that_agree_change_nothing(drawn):
    for one in combined(np.stack([drawn[0]] * 3)):
        np.testing.assert_allclose(one, drawn[0], rtol=1e-5)


def test_the_surest_model_answers():
    sure, unsure = [[0.1, 0.9], [0.55, 0.45]], [[0.6, 0.4], [0.2, 0.8]]
    found = decision.maximum_confidence(np.array([sure, unsure], np.float32))
    np.testing.assert_allclose(found, [[0.1, 0.9], [0.2, 0.8]])


def test_equal_weights_are_the_average(drawn):
    np.testing.assert_allclose(
        decision.weighted(drawn, np.ones(3)), decision.average(drawn), rtol=1e-5
    )


@pytest.mark.parametrize("weights", [[1.0, -0.1, 0.0], [0.0, 0.0, 0.0], [np.nan, 1.0, 1.0]])
def test_weights_that_are_none_are_refused(drawn, weights):
    with pytest.raises(ValueError, match="weights >= 0 with a positive sum must hold"):
        decision.weighted(drawn, np.array(weights))


@pytest.mark.parametrize("n_models", [1, 2, 3, 5])
def test_chosen_weights_are_no_worse_than_any_model_alone(n_models):
    generator = np.random.default_rng(n_models)
    labels = generator.integers(0, 4, 80)
    models = generator.dirichlet(np.ones(4), (n_models, 80))
    models[0, np.arange(80), labels] += 0.4
    models = (models / models.sum(2, keepdims=True)).astype(np.float32)
    weights = decision.choose_weights(models, labels)
    assert weights.sum() == pytest.approx(1)
    chosen = (decision.weighted(models, weights).argmax(1) == labels).mean()
    assert chosen >= max((one.argmax(1) == labels).mean() for one in models)


def test_of_equal_weights_the_average_is_nearest():
    sure = np.full((2, 6, 2), [0.9, 0.1], np.float32)
    np.testing.assert_allclose(decision.choose_weights(sure, np.zeros(6, int)), [0.5, 0.5])


def test_greedy_selection_builds_what_helps():
    """Two that err apart beat the best alone; one that guesses gets no weight."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 600)
    clean = np.eye(4, dtype=np.float32)[labels]
    models = [
        (noise * rng.dirichlet(np.ones(4), 600) + (1 - noise) * clean).astype(np.float32)
        for noise in (0.75, 0.75, 0.78)
    ]
    models.append(rng.dirichlet(np.ones(4), 600).astype(np.float32))
    stacked_MNC = np.stack(models)
    weights = decision.greedy_selection(stacked_MNC, labels)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[3] <= 0.1
    together = (decision.weighted(stacked_MNC, weights).argmax(1) == labels).mean()
    alone = (stacked_MNC.argmax(2) == labels).mean(1).max()
    assert together > alone
    assert np.array_equal(weights, decision.greedy_selection(stacked_MNC, labels))


@pytest.mark.parametrize("metric", ["uar", "macro_f1", "loss", "accuracy"])
def test_weights_are_chosen_by_the_metric_that_was_asked_for(metric):
    """One model always answers with the frequent class, another knows the rare ones."""
    labels = np.array([0] * 80 + [1] * 10 + [2] * 10)
    frequent = np.tile([0.8, 0.1, 0.1], (100, 1))
    fair = np.full((100, 3), 0.05)
    fair[np.arange(100), np.where(np.arange(100) < 45, 1, labels)] = 0.9
    models = np.stack([frequent, fair]).astype(np.float32)
    sign = -1 if metric == "loss" else 1
    alone = [sign * metrics.score_all(labels, one)[metric] for one in models]
    for choose in (decision.greedy_selection, decision.choose_weights):
        together = decision.weighted(models, choose(models, labels, metric))
        assert sign * metrics.score_all(labels, together)[metric] >= max(alone)
    by_accuracy = decision.weighted(models, decision.greedy_selection(models, labels))
    if metric == "uar":
        assert metrics.score_all(labels, by_accuracy)["uar"] < max(alone)


def test_of_one_model_greedy_selection_takes_it():
    labels = np.array([0, 1])
    assert decision.greedy_selection(np.full((1, 2, 2), 0.5, np.float32), labels).tolist() == [1.0]
