"""Paired comparisons, against SciPy, textbooks and drawn truths."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from emotion_hpo.metrics import compare, mcnemar
from emotion_hpo.metrics.exact import gain_reach


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
    assert 0 < found.interval.low < found.difference < found.interval.high
    assert found.p_value < 1e-6
    n_right = (first == labels).sum() - (second == labels).sum()
    assert found.n_first - found.n_second == n_right


def test_a_model_against_itself_differs_by_nothing():
    labels, first, _, dialogues = drawn(0.0)
    found = compare(labels, first, first, dialogues, 4, metric="uar")
    assert (found.difference, found.p_value) == (0, 1)
    assert -0.01 < found.interval.low < 0 < found.interval.high < 0.01


def test_what_is_hard_for_both_cancels_out():
    """Paired, the interval is far narrower than that of either model alone."""
    labels, first, second, dialogues = drawn(0.05)
    found = compare(labels, first, second, dialogues, 4)
    assert found.interval.high - found.interval.low < 0.05


@pytest.mark.parametrize("n_dialogues", [1, 2, 4])
def test_a_few_dialogues_do_not_make_it_certain(n_dialogues):
    """Of one dialogue every resample is the same; 40 utterances leave more than that open."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 40)
    first = np.where(rng.random(40) < 0.7, labels, (labels + 1) % 4)
    second = np.where(rng.random(40) < 0.6, labels, (labels + 1) % 4)
    few = compare(labels, first, second, [str(i % n_dialogues) for i in range(40)], 4)
    below, above = gain_reach(few.n_first, few.n_second, 40, 0.95)
    assert few.interval.low <= few.difference - below + 1e-12
    assert few.interval.high >= few.difference + above - 1e-12
