"""Paired comparisons, against SciPy, textbooks and drawn truths."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from emotion_hpo.metrics import compare, fold_interval, mcnemar


@pytest.mark.parametrize(("first", "second"), [(0, 5), (3, 9), (12, 12), (7, 17)])
def test_few_discordant_pairs_take_the_binomial_distribution(first, second):
    expected = binomtest(first, first + second, 0.5).pvalue
    assert mcnemar(first, second) == pytest.approx(expected)


def test_many_discordant_pairs_take_the_corrected_statistic():
    """Agresti's presidential ratings: 150 against 86, z² = 17.36; corrected (63)²/236 = 16.82."""
    assert mcnemar(86, 150) == pytest.approx(chi2.sf(63**2 / 236, 1))
    assert mcnemar(86, 150) == mcnemar(150, 86)


def drawn(gain, seed=0, n=2000):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    dialogues = [f"d{one}" for one in rng.integers(0, 60, n)]
    hard = rng.random(n)
    first, second = (
        np.where(hard < share, labels, (labels + 1) % 4) for share in (0.6 + gain, 0.6)
    )
    noise = rng.random(n) < 0.1
    return labels, np.where(noise, rng.integers(0, 4, n), first), second, dialogues


def test_a_clear_difference_is_seen():
    labels, first, second, dialogues = drawn(0.2)
    found = compare(labels, first, second, dialogues, 4)
    assert found.difference == pytest.approx((first == labels).mean() - (second == labels).mean())
    assert 0 < found.low < found.difference < found.high
    assert found.p_value < 1e-6
    n_right = (first == labels).sum() - (second == labels).sum()
    assert found.n_first - found.n_second == n_right


def test_a_model_against_itself_differs_by_nothing():
    labels, first, _, dialogues = drawn(0.0)
    found = compare(labels, first, first, dialogues, 4, statistic="uar")
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_what_is_hard_for_both_cancels_out():
    """Paired, the interval is far narrower than that of either model alone."""
    labels, first, second, dialogues = drawn(0.05)
    found = compare(labels, first, second, dialogues, 4)
    assert found.high - found.low < 0.05


@pytest.mark.parametrize("n_dialogues", [1, 2, 4])
def test_a_few_dialogues_do_not_make_it_certain(n_dialogues):
    """Of one dialogue every resample is the same; 40 utterances leave more than that open."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 40)
    first = np.where(rng.random(40) < 0.7, labels, (labels + 1) % 4)
    second = np.where(rng.random(40) < 0.6, labels, (labels + 1) % 4)
    few = compare(labels, first, second, [str(i % n_dialogues) for i in range(40)], 4)
    many = compare(labels, first, second, [str(i) for i in range(40)], 4)
    assert few.low <= many.low < many.high <= few.high


def test_folds_by_hand():
    """Mean 0.02, t(3) = 3.182 and 1/4 + 1/3 of the variance."""
    values = [0.01, 0.02, 0.02, 0.03]
    found = fold_interval(values, n_train=300, n_test=100)
    half = 3.182446 * np.std(values, ddof=1) * (1 / 4 + 1 / 3) ** 0.5
    assert found.low == pytest.approx(0.02 - half, abs=1e-6)
    assert found.high == pytest.approx(0.02 + half, abs=1e-6)


def test_one_fold_has_no_interval():
    assert np.isnan(fold_interval([0.5], 3, 1).low)
