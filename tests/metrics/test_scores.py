"""Metrics, with scikit-learn as the oracle."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from emotion_hpo.metrics import accuracy, confusion, macro_f1, recall_by_class, uar
from emotion_hpo.metrics.scores import SCORES, STATISTICS

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


@given(st.lists(PAIRS, min_size=1, max_size=4))
@settings(deadline=None)
def test_many_matrices_have_the_scores_of_each(many):
    counts = np.stack([counts_of(pairs) for pairs in many])
    for name, score in SCORES.items():
        expected = [STATISTICS[name](each) for each in counts]
        np.testing.assert_allclose(score(counts), expected)
