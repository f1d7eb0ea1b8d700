"""Metrics, with scikit-learn as the oracle; intervals, by what they promise."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as oracle

from emotion_hpo.metrics import (
    Interval,
    accuracy,
    accuracy_interval,
    confusion,
    dialogue_interval,
    exact_interval,
    macro_f1,
    recall_by_class,
    recall_interval,
    uar,
)

N_CLASSES = 4
CLASSES = st.integers(0, N_CLASSES - 1)
PAIRS = st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=60)


def arrays(pairs) -> tuple[np.ndarray, np.ndarray]:
    labels, predicted = np.array(pairs, np.int64).reshape(-1, 2).T
    return labels, predicted


def counts_of(pairs) -> np.ndarray:
    return confusion(*arrays(pairs), N_CLASSES)


@given(PAIRS)
@settings(deadline=None)
def test_figures_are_scikit_learns(pairs):
    labels, predicted = arrays(pairs)
    counts = counts_of(pairs)
    expected = oracle.confusion_matrix(labels, predicted, labels=range(N_CLASSES))
    assert np.array_equal(counts, expected)
    assert accuracy(counts) == pytest.approx(oracle.accuracy_score(labels, predicted))
    with warnings.catch_warnings():
        # It says that a class was predicted that does not occur, or that there is one class.
        warnings.simplefilter("ignore", UserWarning)
        balanced = oracle.balanced_accuracy_score(labels, predicted)
    assert uar(counts) == pytest.approx(balanced)
    f1 = oracle.f1_score(labels, predicted, average="macro", zero_division=0.0)
    assert macro_f1(counts) == pytest.approx(f1)


@given(PAIRS)
@settings(deadline=None)
def test_recall_of_each_class_is_scikit_learns(pairs):
    labels, predicted = arrays(pairs)
    expected = oracle.recall_score(
        labels, predicted, labels=range(N_CLASSES), average=None, zero_division=np.nan
    )
    np.testing.assert_allclose(recall_by_class(counts_of(pairs)), expected)


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    assert np.array_equal(counts_of(shuffled), counts_of(pairs))


@given(PAIRS, st.permutations(range(N_CLASSES)))
def test_names_of_classes_do_not_matter(pairs, names):
    renamed = [(names[label], names[predicted]) for label, predicted in pairs]
    for figure in (accuracy, uar, macro_f1):
        assert figure(counts_of(renamed)) == pytest.approx(figure(counts_of(pairs)))


@given(PAIRS)
def test_figures_are_shares_and_one_for_the_truth_alone(pairs):
    truth = [(label, label) for label, _ in pairs]
    for figure in (accuracy, uar, macro_f1):
        assert 0 <= figure(counts_of(pairs)) <= 1
        assert figure(counts_of(truth)) == 1
        assert (figure(counts_of(pairs)) == 1) == (pairs == truth)


@pytest.mark.parametrize("figure", [accuracy, uar, macro_f1])
def test_nothing_has_no_figure(figure):
    assert math.isnan(figure(np.zeros((N_CLASSES, N_CLASSES), np.int64)))


def test_weighted_and_unweighted_differ_where_classes_do():
    """Nine of ten in one class: whoever always says that class is no good at the other."""
    counts = confusion(np.array([0] * 9 + [1]), np.zeros(10, np.int64), 2)
    assert (accuracy(counts), uar(counts)) == (0.9, 0.5)


def interval(correct, dialogues, **options) -> Interval:
    """The accuracy's interval where utterances are right or wrong as told."""
    correct = np.asarray(correct, np.int64)
    return dialogue_interval(accuracy, np.ones_like(correct), correct, dialogues, 2, **options)


@given(st.integers(0, 2**16), st.integers(2, 12), st.floats(0.1, 0.9))
@settings(max_examples=25, deadline=None, derandomize=True)  # it holds of nearly all draws
def test_interval_holds_the_estimate(seed, n_dialogues, share):
    generator = np.random.default_rng(seed)
    dialogues = [f"d{n}" for n in generator.integers(0, n_dialogues, 120)]
    correct = generator.random(120) < share
    found = interval(correct, dialogues, n_resamples=300)
    assert 0 <= found.low <= correct.mean() <= found.high <= 1


def test_interval_is_wider_where_utterances_of_a_dialogue_agree():
    """Ten dialogues of ten agreeing utterances say as much as ten utterances."""
    dialogues = [f"d{n // 10}" for n in range(100)]
    agree = [n // 10 % 2 for n in range(100)]
    mixed = [n % 2 for n in range(100)]
    wide, narrow = interval(agree, dialogues), interval(mixed, dialogues)
    assert wide.high - wide.low > 0.4
    assert narrow == Interval(0.5, 0.5), "each dialogue is right in half of its utterances"
    alone = interval(agree, [f"d{n}" for n in range(100)])
    assert alone.high - alone.low < 0.6 * (wide.high - wide.low)


def test_interval_covers_as_often_as_it_says():
    """Over 200 corpora of 30 dialogues that differ in difficulty, about 95 % hold the truth."""
    generator = np.random.default_rng(0)
    dialogues = np.repeat(np.arange(30), 8).astype(str).tolist()
    covered = 0
    for _ in range(200):
        chance = np.repeat(generator.beta(7, 3, 30), 8)  # 0.7 on the average
        found = interval(generator.random(240) < chance, dialogues, n_resamples=400)
        covered += found.low <= 0.7 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_interval_is_fixed_by_its_seed():
    generator = np.random.default_rng(1)
    correct = generator.random(50) < 0.6
    dialogues = [f"d{n % 9}" for n in range(50)]
    assert interval(correct, dialogues, seed=3) == interval(correct, dialogues, seed=3)
    assert interval(correct, dialogues, seed=3) != interval(correct, dialogues, seed=4)
    by_default = interval(correct, dialogues)
    assert by_default == interval(correct, dialogues, seed=0), "a seed of nought seeds, too"


def test_interval_does_not_depend_on_the_order():
    generator = np.random.default_rng(2)
    correct, dialogues = generator.random(60) < 0.6, generator.integers(0, 7, 60).astype(str)
    order = generator.permutation(60)
    assert interval(correct[order], dialogues[order].tolist()) == interval(
        correct, dialogues.tolist()
    )


def test_a_higher_level_is_wider():
    generator = np.random.default_rng(3)
    correct, dialogues = generator.random(80) < 0.5, generator.integers(0, 9, 80).astype(str)
    inner = interval(correct, dialogues.tolist(), level=0.5)
    outer = interval(correct, dialogues.tolist(), level=0.99)
    assert outer.low < inner.low < inner.high < outer.high


def test_one_dialogue_says_nothing_about_others():
    assert interval([1, 0, 1, 1], ["d"] * 4) == Interval(0.75, 0.75)


def test_recall_of_an_absent_class_has_no_interval():
    """Without a warning about it: a session of few speakers may lack an emotion."""
    found = dialogue_interval(
        lambda counts: float(recall_by_class(counts)[1]),
        np.zeros(6, np.int64),
        np.zeros(6, np.int64),
        list("aabbcc"),
        2,
    )
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_recall_of_a_rare_class_leaves_out_resamples_without_it():
    labels = np.array([1, 0, 0, 0, 0, 0])
    found = dialogue_interval(
        lambda counts: float(recall_by_class(counts)[1]), labels, labels, list("aabbcc"), 2
    )
    assert found == Interval(1.0, 1.0)


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_exact_interval_is_scipys(n, share, level):
    n_right = round(share * n)
    expected = binomtest(n_right, n).proportion_ci(level, method="exact")
    found = exact_interval(n_right, n, level=level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("said", "recall"), [(1, 1.0), (0, 0.0)])
def test_a_recall_without_exception_is_not_certain(said, recall):
    """Ten utterances that are all right do not show that the next one will be."""
    labels = np.array([1] * 10 + [0] * 10)
    predicted = np.array([said] * 10 + [0] * 10)
    found = recall_interval(1, labels, predicted, [f"d{n // 2}" for n in range(20)], 2)
    expected = binomtest(10 * said, 10).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.low <= recall <= found.high
    assert found.high - found.low > 0.3
    assert found.by_utterance


def test_a_recall_with_exceptions_resamples_dialogues():
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 2, 80)
    predicted = np.where(generator.random(80) < 0.7, labels, 1 - labels)
    dialogues = [f"d{n // 8}" for n in range(80)]
    found = recall_interval(1, labels, predicted, dialogues, 2)
    expected = dialogue_interval(
        lambda counts: float(recall_by_class(counts)[1]), labels, predicted, dialogues, 2
    )
    assert found == expected
    assert not found.by_utterance


@pytest.mark.parametrize(("n", "n_right", "n_dialogues", "why"), [
    (1, 1, 1, "a single utterance"),
    (1, 0, 1, "a single wrong one"),
    (12, 12, 6, "all right"),
    (30, 15, 1, "a single dialogue, whose only resample is itself"),
    (30, 15, 4, "so few dialogues that a tail is less than one resample"),
])  # fmt: skip
def test_no_accuracy_of_a_few_is_certain(n, n_right, n_dialogues, why):
    labels = np.zeros(n, np.int64)
    predicted = np.where(np.arange(n) < n_right, 0, 1)
    dialogues = [f"d{at % n_dialogues}" for at in range(n)]
    found = accuracy_interval(labels, predicted, dialogues, 2)
    exact = binomtest(n_right, n).proportion_ci(0.95, method="exact")
    assert found.low <= exact.low + 1e-9, why
    assert found.high >= exact.high - 1e-9, why
    assert found.by_utterance, why


def test_a_few_dialogues_that_differ_keep_their_width():
    labels = np.zeros(40, np.int64)
    predicted = np.repeat([0, 0, 1, 1], 10)
    dialogues = [f"d{at // 10}" for at in range(40)]
    found = accuracy_interval(labels, predicted, dialogues, 2)
    assert (found.low, found.high) == (0, 1), "one dialogue is all right, another all wrong"


def test_an_accuracy_of_many_dialogues_resamples_them():
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 2, 80)
    predicted = np.where(generator.random(80) < 0.7, labels, 1 - labels)
    dialogues = [f"d{n // 8}" for n in range(80)]
    found = accuracy_interval(labels, predicted, dialogues, 2)
    assert found == dialogue_interval(accuracy, labels, predicted, dialogues, 2)


def test_a_class_that_is_absent_has_no_exact_interval_either():
    nothing = np.zeros(6, np.int64)
    assert math.isnan(recall_interval(1, nothing, nothing, list("aabbcc"), 2).low)
