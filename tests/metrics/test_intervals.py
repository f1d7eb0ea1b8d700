"""The one function of every interval: against SciPy, hand-made figures and drawn truths."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from emotion_hpo.metrics import Interval, confusion, fold_interval, interval, mcnemar
from emotion_hpo.metrics.confidence_interval import BOTH, DIALOGUES, EXACT, NOT_ESTIMABLE
from emotion_hpo.metrics.exact import clopper_pearson, f1_reach, gain_reach
from emotion_hpo.metrics.registry import METRICS as REGISTRY

METRICS = [name for name, metric in REGISTRY.items() if metric.exact is not None]
APART = [f"d{n}" for n in range(12)]


def share(is_right, dialogues, **options) -> Interval:
    """The interval of a share of utterances."""
    is_right = np.asarray(is_right, np.int64)
    return interval("accuracy", np.ones_like(is_right), is_right, dialogues, 2, **options)


def ends(found: Interval) -> tuple[float, float]:
    assert found.ends is not None
    return found.ends


def exact(n_right, n, level=0.95):
    found = binomtest(n_right, n).proportion_ci(level, method="exact")
    return pytest.approx((found.low, found.high), abs=1e-9)


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_exact_interval_is_scipys(n, of_all, level):
    assert clopper_pearson(round(of_all * n), n, level) == exact(round(of_all * n), n, level)


@pytest.mark.parametrize(("is_right", "shown"), [(0, (0.0, 0.265)), (1, (0.735, 1.0))])
def test_twelve_independent_utterances_that_agree_are_no_certainty(is_right, shown):
    found = share([is_right] * 12, APART)
    assert ends(found) == exact(12 * is_right, 12)
    assert ends(found) == pytest.approx(shown, abs=5e-4)
    assert (found.estimate, found.method) == (is_right, EXACT)
    assert (found.n_utterances, found.n_dialogues) == (12, 12)


@pytest.mark.parametrize("n_dialogues", [1, 2, 4])
def test_a_few_dialogues_cover_what_the_exact_interval_covers(n_dialogues):
    found = share(np.arange(16) % 8 < 3, [f"d{n * n_dialogues // 16}" for n in range(16)])
    low, high = clopper_pearson(6, 16, 0.95)
    assert found.low <= low
    assert found.high >= high


def test_one_utterance_has_an_interval():
    assert ends(share([1], ["d"])) == pytest.approx((0.025, 1.0))


def test_dialogues_that_differ_are_wider_than_the_exact_interval():
    """Ten dialogues of ten agreeing utterances say as much as ten utterances."""
    dialogues = [f"d{n // 10}" for n in range(100)]
    agree = share([n // 10 % 2 for n in range(100)], dialogues)
    mixed = share([n % 2 for n in range(100)], dialogues)
    assert agree.high - agree.low > 0.5
    assert agree.method == DIALOGUES
    assert ends(mixed) == exact(50, 100)
    assert mixed.method == EXACT, "each dialogue is right in half of its utterances"


def test_an_interval_may_be_of_both():
    """One dialogue is worse than the others: resamples reach further below, not above."""
    found = share([n >= 12 for n in range(120)], [f"d{n // 12}" for n in range(120)])
    low, high = clopper_pearson(108, 120, 0.95)
    assert found.low < low
    assert found.high == pytest.approx(high) or found.high > high
    assert found.method in (BOTH, DIALOGUES)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", ["apart", "one class a dialogue"])
def test_no_resample_lacks_a_class(metric, shape):
    """A class of one utterance is in every resample; a mean over fewer classes would jump to 1."""
    labels = np.array([0] * 30 + [1] * 30 + [2])
    predicted = np.where(labels == 2, 0, labels)
    dialogues = [f"d{n if shape == 'apart' else labels[n]}" for n in range(61)]
    found = interval(metric, labels, predicted, dialogues, 3)
    assert found.estimate == pytest.approx(
        REGISTRY[metric].from_counts(confusion(labels, predicted, 3))
    )
    assert found.low < found.estimate < found.high
    if metric == "uar":
        # The recalls 1, 1 and 0 with their exact intervals, combined by squares
        lows = [1 - 0.025 ** (1 / 30)] * 2
        assert found.low == pytest.approx(2 / 3 - np.linalg.norm(lows) / 3)
        assert found.high == pytest.approx(2 / 3 + (1 - 0.025) / 3)


def test_a_sure_class_widens_a_uar_that_the_others_resamples_decide():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(400) % 2, np.arange(400) // 20
    is_right = (labels == 1) | (rng.random(400) < rng.beta(2, 2, 20)[groups])
    rows = (labels == 0) | (groups < 2)  # the sure class is in two dialogues
    labels, is_right, groups = labels[rows], is_right[rows], groups[rows]
    dialogues = groups.astype(str).tolist()
    predicted = np.where(is_right, labels, 1 - labels)
    found = interval("uar", labels, predicted, dialogues, 2)
    others = labels == 0
    of_other = share(is_right[others], groups[others].astype(str).tolist())
    of_sure = 1 - 0.025 ** (1 / (labels == 1).sum())
    expected = np.hypot(of_other.estimate - of_other.low, of_sure) / 2
    assert found.estimate - found.low == pytest.approx(expected, rel=0.05)
    assert found.method == BOTH


def test_f1_follows_from_the_share_of_hits():
    """Of five true and five called, three are hits: 3 of 7, F1 0.6."""
    low, high = clopper_pearson(3, 7, 0.95)
    below, above = f1_reach(3, 7, 0.95)
    assert 0.6 - below == pytest.approx(2 * low / (1 + low))
    assert 0.6 + above == pytest.approx(2 * high / (1 + high))


def test_a_gain_of_minus_all_has_an_interval():
    """All twelve are discordant, none for the first: at most 0.265 of them, a gain of -0.47."""
    labels = np.zeros(12, np.int64)
    found = interval("accuracy", labels, labels + 1, APART, 2, less=labels)
    assert (found.estimate, found.low) == (-1, -1)
    assert found.high == pytest.approx(2 * clopper_pearson(0, 12, 0.95)[1] - 1)


@pytest.mark.parametrize("metric", METRICS)
def test_without_a_discordant_pair_a_gain_is_not_certain(metric):
    labels = np.arange(40) % 4
    predicted = np.where(np.arange(40) < 8, (labels + 1) % 4, labels)
    found = interval(metric, labels, predicted, [f"d{n}" for n in range(40)], 4, less=predicted)
    assert found.estimate == 0
    assert found.low == pytest.approx(-found.high)
    if metric == "accuracy":
        assert found.high == pytest.approx(1 - 0.025 ** (1 / 40))
    else:
        assert 0.02 < found.high < 0.4


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 60))
def test_an_exact_gain_spans_nought_where_mcnemar_is_not_significant(n_first, n_second, n_same):
    if not (n := n_first + n_second + n_same):
        return
    estimate = (n_first - n_second) / n
    below, above = gain_reach(n_first, n_second, n, 0.95)
    if mcnemar(n_first, n_second) > 0.05 and n_first + n_second < 25:
        assert estimate - below <= 0 <= estimate + above


def test_two_models_that_swap_have_the_opposite_gain():
    rng = np.random.default_rng(3)
    labels, first, second = rng.integers(0, 3, (3, 90))
    dialogues = (np.arange(90) // 9).astype(str).tolist()
    for metric in METRICS:
        there = interval(metric, labels, first, dialogues, 3, less=second)
        back = interval(metric, labels, second, dialogues, 3, less=first)
        assert back.estimate == pytest.approx(-there.estimate)
        assert ends(back) == pytest.approx((-there.high, -there.low), abs=0.02)


CASES = st.tuples(
    st.integers(1, 40), st.integers(2, 5), st.integers(1, 12), st.integers(0, 2**16), st.booleans()
)


@given(CASES, st.sampled_from(METRICS), st.sampled_from([0.5, 0.95]))
@settings(deadline=None, max_examples=150)
def test_every_interval_holds_its_estimate_and_has_a_width(case, metric, level):
    """Of any labels, answers and dialogues; JSON gives it back as it was."""
    n, n_classes, n_dialogues, seed, is_paired = case
    rng = np.random.default_rng(seed)
    labels, predicted, other = rng.integers(
        0, rng.integers(1, n_classes, 3, endpoint=True), (n, 3)
    ).T
    dialogues = rng.integers(0, n_dialogues, n).astype(str).tolist()
    less = other if is_paired else None
    options = {"less": less, "level": level, "n_resamples": 200}
    found = interval(metric, labels, predicted, dialogues, n_classes, **options)
    low, high = ends(found)
    assert (-1 if is_paired else 0) <= low <= found.estimate <= high <= 1
    assert low < high
    assert found.method in (DIALOGUES, EXACT, BOTH)
    score = REGISTRY[metric].from_counts
    expected = score(confusion(labels, predicted, n_classes))
    expected -= score(confusion(labels, other, n_classes)) if is_paired else 0
    assert found.estimate == pytest.approx(expected)
    if metric == "accuracy" and not is_paired:
        exact_low, exact_high = clopper_pearson(int((labels == predicted).sum()), n, level)
        assert low <= exact_low + 1e-12
        assert high >= exact_high - 1e-12


def test_no_utterance_has_no_interval():
    nothing = np.zeros(0, np.int64)
    found = interval("uar", nothing, nothing, [], 2)
    assert (found.ends, found.estimate, found.method) == (None, None, NOT_ESTIMABLE)
    assert found.reason == "no utterance"


def test_an_interval_is_fixed_by_its_seed_and_not_by_the_order():
    rng = np.random.default_rng(2)
    is_right, dialogues = rng.random(60) < 0.6, (np.arange(60) // 6 // 2 * 2).astype(str)
    is_right[:24] = True
    found = share(is_right, dialogues.tolist())
    assert found == share(is_right, dialogues.tolist(), seed=0), "a seed of nought seeds, too"
    assert found != share(is_right, dialogues.tolist(), seed=4)
    order = rng.permutation(60)
    assert found == share(is_right[order], dialogues[order].tolist())


def test_a_higher_level_is_wider():
    rng = np.random.default_rng(3)
    is_right, dialogues = rng.random(80) < 0.5, rng.integers(0, 9, 80).astype(str).tolist()
    inner, outer = (share(is_right, dialogues, level=level) for level in (0.5, 0.99))
    assert outer.low < inner.low < inner.high < outer.high


def test_it_covers_as_often_as_it_says():
    """Over 200 corpora of 10 dialogues that differ in difficulty; see benchmarks/intervals.py."""
    rng = np.random.default_rng(0)
    dialogues = np.repeat(np.arange(10), 24).astype(str).tolist()
    n_covered = 0
    for _ in range(200):
        chance = np.repeat(rng.beta(7, 3, 10), 24)  # 0.7 on the average
        found = share(rng.random(240) < chance, dialogues, n_resamples=500)
        n_covered += found.low <= 0.7 <= found.high
    assert 0.91 <= n_covered / 200 <= 0.99


def test_a_tests_intervals_take_moments():
    rng = np.random.default_rng(0)
    labels, first, second = rng.integers(0, 4, (3, 1098))
    dialogues = [str(n) for n in range(1098)]  # the dearest: no dialogue is shared
    began = time.process_time()
    for metric in METRICS:
        interval(metric, labels, first, dialogues, 4, less=second)
    assert time.process_time() - began < 2


def test_folds_by_hand():
    """Mean 0.02, t(3) = 3.182 and 1/4 + 1/3 of the variance."""
    values = [0.01, 0.02, 0.02, 0.03]
    found = fold_interval(values, n_train=300, n_test=100, least=-1)
    half = 3.182446 * np.std(values, ddof=1) * (1 / 4 + 1 / 3) ** 0.5
    assert ends(found) == pytest.approx((0.02 - half, 0.02 + half), abs=1e-6)


def test_folds_promise_nothing_impossible():
    assert ends(fold_interval([0.0, 1.0], n_train=3, n_test=1)) == (0, 1)
    assert ends(fold_interval([-1.0, 1.0], n_train=3, n_test=1, least=-1)) == (-1, 1)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5]])
def test_folds_without_a_spread_have_no_interval(values):
    found = fold_interval(values, 3, 1)
    assert (found.estimate, found.ends, found.method) == (0.5, None, NOT_ESTIMABLE)
