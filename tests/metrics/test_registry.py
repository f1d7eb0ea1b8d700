"""Every metric of the registry: against scikit-learn, and through all that reads the registry."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle
from sklearn.utils.class_weight import compute_sample_weight

from emotion_hpo import metrics
from emotion_hpo.metrics import (
    METRICS,
    Metric,
    Run,
    ValidationLabels,
    correct_winner_score,
    find_metric,
    interval,
)
from emotion_hpo.metrics.confidence_interval import DIALOGUES, NOT_ESTIMABLE
from emotion_hpo.metrics.formatting import format_difference, format_score
from emotion_hpo.metrics.scores import weighted_f1s
from emotion_hpo.metrics.sums import sum_by_group, value_of_sums

N_CLASSES = 4


def _f1(average):
    def score(labels, probabilities):
        predicted = probabilities.argmax(1)
        return oracle.f1_score(labels, predicted, average=average, zero_division=0.0)

    return score


def _balanced_log_loss(labels, probabilities):
    weights = compute_sample_weight("balanced", labels)
    return oracle.log_loss(labels, probabilities, labels=range(N_CLASSES), sample_weight=weights)


#: Name → what scikit-learn makes of labels and probabilities.
ORACLES = {
    "accuracy": lambda labels, p: oracle.accuracy_score(labels, p.argmax(1)),
    "uar": lambda labels, p: oracle.balanced_accuracy_score(labels, p.argmax(1)),
    "macro_f1": _f1("macro"),
    "weighted_f1": _f1("weighted"),
    "loss": lambda labels, p: oracle.log_loss(labels, p, labels=range(N_CLASSES)),
    "balanced_log_loss": _balanced_log_loss,
}

NAMES = pytest.mark.parametrize("name", METRICS)


def drawn(seed, n=120, n_models=1):
    """Labels, probabilities `(models, n, classes)` and dialogues."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, n)
    probabilities = rng.dirichlet(np.ones(N_CLASSES), (n_models, n))
    return labels, probabilities, rng.integers(0, 9, n)


def test_every_metric_has_an_oracle():
    assert ORACLES.keys() == METRICS.keys()


@NAMES
@given(seed=st.integers(0, 2**16), n=st.integers(1, 60))
@settings(deadline=None, max_examples=40)
def test_a_score_is_scikit_learns(name, seed, n):
    labels, (probabilities,), _ = drawn(seed, n)
    with warnings.catch_warnings():
        # It says that a class was predicted that does not occur, or that there is one class.
        warnings.simplefilter("ignore", UserWarning)
        expected = ORACLES[name](labels, probabilities)
    assert METRICS[name].score(labels, probabilities) == pytest.approx(expected)
    assert metrics.score_all(labels, probabilities)[name] == pytest.approx(expected)


@NAMES
def test_sums_of_dialogues_make_the_score(name):
    """Added up over dialogues, and over those that a draw keeps."""
    labels, probabilities, groups = drawn(3, n_models=3)
    sums_MGK = sum_by_group(METRICS[name], labels, probabilities, groups, 9)
    expected = [METRICS[name].score(labels, model) for model in probabilities]
    np.testing.assert_allclose(value_of_sums(METRICS[name], sums_MGK.sum(1)), expected)
    rows = groups > 2
    expected = [METRICS[name].score(labels[rows], model[rows]) for model in probabilities]
    np.testing.assert_allclose(value_of_sums(METRICS[name], sums_MGK[:, 3:].sum(1)), expected)


@NAMES
def test_an_interval_holds_its_estimate(name):
    labels, (first, second), groups = drawn(5, n_models=2)
    dialogues = groups.astype(str).tolist()
    alone = interval(name, labels, first, dialogues, N_CLASSES)
    gain = interval(name, labels, first, dialogues, N_CLASSES, less=second)
    assert alone.estimate == pytest.approx(METRICS[name].score(labels, first))
    difference = METRICS[name].score(labels, first) - METRICS[name].score(labels, second)
    assert gain.estimate == pytest.approx(difference)
    for found in (alone, gain):
        assert found.low < found.estimate < found.high
        assert (found.n_utterances, found.n_dialogues) == (120, 9)
    back = interval(name, labels, second, dialogues, N_CLASSES, less=first)
    assert back.estimate == pytest.approx(-gain.estimate)


@NAMES
@pytest.mark.parametrize("n_folds", [1, 2])
def test_the_winner_is_corrected_by_every_metric(name, n_folds):
    rng = np.random.default_rng(0)
    folds, trials = {}, [[] for _ in range(6)]
    for fold in map(str, range(n_folds)):
        labels, probabilities, groups = drawn(rng.integers(99), n=400, n_models=12)
        folds[fold] = ValidationLabels(labels, [f"{fold}_{group}" for group in groups])
        for index, runs in enumerate(trials):
            runs.append(Run(fold, probabilities[2 * index : 2 * index + 2]))
    found = correct_winner_score(folds, trials, f"val/{name}", n_resamples=100)
    best = max if METRICS[name].greater_is_better else min
    by_trial = [
        np.mean([
            best(METRICS[name].score(folds[run.fold].labels, epoch) for epoch in run.probabilities)
            for run in runs
        ])
        for runs in trials
    ]  # fmt: skip
    assert found.plain == pytest.approx(best(by_trial))
    assert METRICS[name].sign * (found.plain - found.value) > -1e-9, "choosing looks too good"
    assert found.interval.low < found.value < found.interval.high


@pytest.mark.parametrize("name", [name for name, m in METRICS.items() if m.needs_probabilities])
def test_without_counts_dialogues_alone_make_the_interval(name):
    labels, (probabilities,), groups = drawn(0)
    dialogues = groups.astype(str).tolist()
    assert interval(name, labels, probabilities, dialogues, N_CLASSES).method == DIALOGUES
    single = interval(name, labels, probabilities, ["d"] * 120, N_CLASSES)
    assert (single.ends, single.method) == (None, NOT_ESTIMABLE)
    assert single.reason == "a single dialogue has no spread"
    with pytest.raises(ValueError, match=f"{name} needs class probabilities"):
        interval(name, labels, probabilities.argmax(1), dialogues, N_CLASSES)


def test_an_interval_of_a_loss_covers_as_often_as_it_says():
    """Over 200 corpora of 12 dialogues whose difficulty differs; the mean loss is 1."""
    rng = np.random.default_rng(0)
    n_covered = 0
    for _ in range(200):
        losses = rng.exponential(np.repeat(rng.gamma(4, 0.25, 12), 10))
        probabilities = np.column_stack([np.exp(-losses), 1 - np.exp(-losses)])
        dialogues = np.repeat(np.arange(12), 10).astype(str).tolist()
        labels = np.zeros(120, np.int64)
        found = interval("loss", labels, probabilities, dialogues, 2, n_resamples=500)
        n_covered += found.low <= 1 <= found.high
    assert 0.88 <= n_covered / 200 <= 0.98


def test_counts_without_exact_parts_have_the_dialogues_interval():
    labels, (probabilities,), groups = drawn(1)
    plain = Metric("plain", "plain", True, from_counts=weighted_f1s)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METRICS, "plain", plain)
        found = interval("plain", labels, probabilities.argmax(1), groups.astype(str), N_CLASSES)
    whole = interval("weighted_f1", labels, probabilities, groups.astype(str), N_CLASSES)
    assert (found.estimate, found.method) == (pytest.approx(whole.estimate), DIALOGUES)
    assert whole.low <= found.low + 1e-3
    assert whole.high >= found.high - 1e-3


def test_with_equal_support_weighted_f1_has_the_interval_of_macro_f1():
    labels, predicted = np.arange(80) % 4, np.arange(80) // 3 % 4
    dialogues = (np.arange(80) // 8).astype(str).tolist()
    for less in (None, labels):
        macro, weighted = (
            interval(name, labels, predicted, dialogues, 4, less=less, n_resamples=4000)
            for name in ("macro_f1", "weighted_f1")
        )
        assert weighted.estimate == pytest.approx(macro.estimate)
        assert weighted.ends == pytest.approx(macro.ends, abs=0.01)


def test_a_metric_is_found_by_any_of_its_names():
    assert find_metric("val/uar") is find_metric("uar") is METRICS["uar"]
    assert find_metric("train/loss").sign == -1


def test_values_are_written_in_their_unit():
    assert format_score("val/weighted_f1", 0.5) == "50.00 %"
    assert format_score("val/balanced_log_loss", 0.5) == "0.5000"
    assert format_difference("balanced_log_loss", -0.5) == "-0.5000"


def test_a_metric_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="label"):
        METRICS["uar"].label = "x"
