"""The ensemble's expected score: unbiased where the truth is known, and what it looks at."""

import numpy as np
import pytest

from emotion_hpo import metrics
from emotion_hpo.metrics import Run, ValidationLabels, correct_ensemble_score, correct_winner_score
from emotion_hpo.metrics.combination import greedy_selection, heaviest

N, N_CLASSES, N_MEMBERS = 240, 4, 5


def fold(name, rng):
    dialogues = [f"{name}_{index}" for index in np.sort(rng.integers(0, 24, N))]
    return ValidationLabels(rng.integers(0, N_CLASSES, N), dialogues)


def answers(labels, strength, rng, n_epochs=1):
    """Probabilities that favour the true class by so much, with noise of their own."""
    logits = rng.standard_normal((n_epochs, len(labels), N_CLASSES))
    logits[:, np.arange(len(labels)), labels] += strength
    probabilities = np.exp(logits)
    return (probabilities / probabilities.sum(2, keepdims=True)).astype(np.float32)


def study(seed, strengths, n_epochs=1, n_folds=1):
    """Trials of given strengths, each with a training a fold."""
    rng = np.random.default_rng(seed)
    folds = {str(index): fold(str(index), rng) for index in range(n_folds)}
    trials = [
        [Run(name, answers(part.labels, strength, rng, n_epochs)) for name, part in folds.items()]
        for strength in strengths
    ]
    return folds, trials


def chosen(folds, trials, objective="val/accuracy", n_members=N_MEMBERS):
    """The ensemble that the whole validation data choose, as `final` does."""
    metric = metrics.find_metric(objective)

    def best(run):
        values = [metric.score(folds[run.fold].labels, epoch) for epoch in run.probabilities]
        return run.probabilities[int(np.argmax(metric.sign * np.array(values)))]

    stacked = np.stack([np.concatenate([best(run) for run in runs]) for runs in trials])
    labels = np.concatenate([part.labels for part in folds.values()])
    return heaviest(greedy_selection(stacked, labels, metric.name), n_members)


def expected(folds, trials, objective="val/accuracy", **settings):
    weights = chosen(folds, trials, objective)
    return correct_ensemble_score(folds, trials, weights, objective, **settings)


@pytest.mark.parametrize("n_folds", [1, 3])
def test_random_answers_are_expected_at_chance(n_folds):
    """On the answers that it was chosen on the ensemble is far above chance; corrected, at it."""
    scores = [expected(*study(seed, [0.0] * 12, 3, n_folds)) for seed in range(12)]
    assert np.mean([score.plain for score in scores]) > 0.31
    assert np.mean([score.value for score in scores]) == pytest.approx(0.25, abs=0.015)
    covered = [score.interval.low <= 0.25 <= score.interval.high for score in scores]
    assert np.mean(covered) >= 0.75


@pytest.mark.parametrize("n_folds", [1, 3])
def test_of_identical_trials_it_is_the_score_of_one(n_folds):
    folds, ((*runs,), *_) = study(0, [1.0], n_folds=n_folds)
    twins = expected(folds, [runs] * 4)
    alone = correct_winner_score(folds, [runs])
    assert twins.plain == pytest.approx(alone.plain)
    assert twins.value == pytest.approx(alone.value, abs=1e-9)
    assert twins.half == pytest.approx(alone.half, rel=0.05)


def test_of_a_strong_trial_among_poor_ones_it_is_about_its_score():
    folds, trials = study(0, [3.0, 0.0, 0.0])
    alone = correct_winner_score(folds, trials)
    assert alone.winner == 0
    assert expected(folds, trials).value == pytest.approx(alone.value, abs=0.01)


def test_trials_that_err_apart_are_worth_more_together():
    folds, trials = study(0, [1.0] * 8)
    together, alone = expected(folds, trials), correct_winner_score(folds, trials)
    assert together.value > alone.value + 0.1
    rng, weights = np.random.default_rng(1), chosen(folds, trials)
    labels = rng.integers(0, N_CLASSES, 20_000)
    mixed = sum(weight * answers(labels, 1.0, rng)[0] for weight in weights)
    truth = float((mixed.argmax(1) == labels).mean())
    assert together.value == pytest.approx(truth, abs=0.05)
    assert together.interval.low < truth < together.interval.high


def test_members_that_are_good_on_one_sessions_speakers_alone_promise_nothing_for_others():
    rng = np.random.default_rng(0)
    folds = {str(index): fold(str(index), rng) for index in range(4)}
    trials = [
        [
            Run(name, answers(part.labels, 2.0 if index == best else 0.0, rng))
            for index, (name, part) in enumerate(folds.items())
        ]
        for best in range(4)
    ]
    score = expected(folds, trials)
    assert score.plain > 0.4
    assert score.value == pytest.approx(0.25, abs=0.05)
    assert score.interval.high - score.interval.low > 0.1


@pytest.mark.parametrize("objective", metrics.OBJECTIVES)
def test_the_plain_value_is_the_ensembles_by_the_objective(objective):
    folds, trials = study(3, [0.8] * 5, n_epochs=2)
    weights = chosen(folds, trials, objective)
    score = correct_ensemble_score(folds, trials, weights, objective)
    metric, labels = metrics.find_metric(objective), folds["0"].labels
    best = [
        max(runs[0].probabilities, key=lambda epoch: metric.sign * metric.score(labels, epoch))
        for runs in trials
    ]
    mixed = np.tensordot(weights, np.stack(best), 1)
    assert score.plain == pytest.approx(metric.score(labels, mixed), rel=1e-5)
    assert score.interval.low <= score.value <= score.interval.high
    assert metric.sign * (score.plain - score.value) > 0
    assert score.winner == weights.argmax()


def test_the_cap_on_members_is_part_of_the_choice(monkeypatch):
    from emotion_hpo.metrics import ensemble_score

    seen = []

    def watch(weights, n_members):
        seen.append(int((heaviest(weights, n_members) > 0).sum()))
        return heaviest(weights, n_members)

    monkeypatch.setattr(ensemble_score, "heaviest", watch)
    folds, trials = study(0, [1.0] * 8)
    expected(folds, trials, n_members=2)
    assert len(seen) == 100
    assert max(seen) == 2


def test_seeds_of_a_trial_are_averaged_and_the_same_seed_gives_the_same_score():
    folds, trials = study(0, [1.0] * 6)
    pairs = [[*trials[at], *trials[at + 1]] for at in (0, 2, 4)]
    weights = np.array([1.0, 0.0, 0.0])
    first, again = (correct_ensemble_score(folds, pairs, weights) for _ in range(2))
    assert first == again
    mean = np.mean([run.probabilities[0] for run in pairs[0]], axis=0)
    assert first.plain == pytest.approx((mean.argmax(1) == folds["0"].labels).mean())
