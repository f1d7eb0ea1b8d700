"""Metrics, with scikit-learn as the oracle."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from emotion_hpo.metrics import METRICS, confusion, recall_by_class
from emotion_hpo.metrics.scores import accuracies, unweighted_average_recalls

N_CLASSES = 4
CLASSES = st.integers(0, N_CLASSES - 1)
PAIRS = st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=60)


def arrays(pairs) -> tuple[np.ndarray, np.ndarray]:
    labels, predicted = np.array(pairs, np.int64).reshape(-1, 2).T
    return labels, predicted


def counts_of(pairs) -> np.ndarray:
    return confusion(*arrays(pairs), N_CLASSES)


#: Scores of confusion matrices; `test_registry.py` holds their values against scikit-learn's.
SCORES = [metric.from_counts for metric in METRICS.values() if metric.from_counts is not None]


@given(PAIRS)
@settings(deadline=None)
def test_counts_are_scikit_learns(pairs):
    labels, predicted = arrays(pairs)
    expected = oracle.confusion_matrix(labels, predicted, labels=range(N_CLASSES))
    assert np.array_equal(counts_of(pairs), expected)


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
    for score in SCORES:
        assert score(counts_of(renamed)) == pytest.approx(score(counts_of(pairs)))


@given(PAIRS)
def test_scores_are_shares_and_one_for_the_truth_alone(pairs):
    truth = [(label, label) for label, _ in pairs]
    for score in SCORES:
        assert 0 <= score(counts_of(pairs)) <= 1
        assert score(counts_of(truth)) == 1
        assert (score(counts_of(pairs)) == 1) == (pairs == truth)


@pytest.mark.parametrize("score", SCORES)
def test_nothing_has_no_score(score):
    assert math.isnan(score(np.zeros((N_CLASSES, N_CLASSES), np.int64)))


def test_weighted_and_unweighted_differ_where_classes_do():
    """Nine of ten in one class: whoever always says that class is no good at the other."""
    counts = confusion(np.array([0] * 9 + [1]), np.zeros(10, np.int64), 2)
    assert (accuracies(counts), unweighted_average_recalls(counts)) == (0.9, 0.5)


@given(st.lists(PAIRS, min_size=1, max_size=4))
@settings(deadline=None)
def test_many_matrices_have_the_scores_of_each(many):
    counts = np.stack([counts_of(pairs) for pairs in many])
    for score in SCORES:
        expected = [score(each) for each in counts]
        np.testing.assert_allclose(score(counts), expected)
