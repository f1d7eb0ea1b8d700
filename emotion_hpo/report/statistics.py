"""What a report computes from trials: best so far, expected best, importance.

Everything here takes plain values and a seed, so that it can be checked against what others
computed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from emotion_hpo.config import Range
from emotion_hpo.metrics.confidence_interval import TRIALS, Interval

#: Fewer trials than this tell nothing of which parameter mattered.
N_FOR_IMPORTANCE = 10

#: Resamples of the trials: the interval's ends are the second and the second-last of 20 tails.
_N_FORESTS = 40


def expected_best(values: Sequence[float]) -> NDArray[np.float64]:
    """Return expected maximum of k of these values, drawn without replacement, for k = 1 … n.

    The unbiased estimator of Tang, Lee, Xin, Liu, Yu and Lin, "Showing Your Work Doesn't Always
    Work", ACL 2020, arXiv 2004.13705: each value weighs as often as it is the greatest of k. It
    takes the values as independent draws of one distribution, which they are under random search
    that ends no trial early, and under nothing else.

    >>> expected_best([0.0, 1.0, 2.0]).round(3).tolist()
    [1.0, 1.667, 2.0]
    """
    ordered = np.sort(np.asarray(values, np.float64))
    n = len(ordered)
    rank = np.arange(1, n + 1)
    expected = np.empty(n)
    for k in range(1, n + 1):
        at = rank >= k
        # C(rank - 1, k - 1) / C(n, k), in logarithms: the coefficients overflow.
        log_share = (
            gammaln(rank[at]) - gammaln(k) - gammaln(rank[at] - k + 1)
            - gammaln(n + 1) + gammaln(k + 1) + gammaln(n - k + 1)
        )  # fmt: skip
        expected[k - 1] = np.exp(log_share) @ ordered[at]
    return expected


def best_so_far(values: Sequence[float], sign: int) -> NDArray[np.float64]:
    """Return the best of the first 1, 2 … n values.

    >>> best_so_far([3.0, 1.0, 2.0], sign=-1).tolist()
    [3.0, 1.0, 1.0]
    """
    return sign * np.maximum.accumulate(sign * np.asarray(values, np.float64))


@dataclass(frozen=True)
class Importance:
    """How much each parameter mattered.

    Attributes:
        shares: Path → share of the values' variance that is lost when the parameter is shuffled.
        intervals: Path → 90 % interval of it over resamples of the trials.
        explained: Share of the variance that the forest explains of trials that it has not seen.
        n_trials: Trials that it rests on.
    """

    shares: Mapping[str, float]
    intervals: Mapping[str, Interval]
    explained: float
    n_trials: int


def importance(
    params: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    space: Mapping[str, Range],
    *,
    seed: int = 0,
) -> Importance | None:
    """Return permutation importance in a random forest, with intervals by resampling trials.

    Breiman, "Random Forests", Machine Learning 45 (2001), doi:10.1023/A:1010933404324: a forest is
    fitted on a resample of the trials and judged on those left out; a parameter matters as much as
    the judgement suffers when its values are shuffled. The resampling is repeated, and the spread
    over it is the interval. Values are what trials reached, so a parameter that a sampler hardly
    varied cannot show what it does.

    Returns:
        None with too few trials, or if all values are the same.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    paths = [path for path in space if len({repr(of_trial.get(path)) for of_trial in params}) > 1]
    y_N = np.asarray(values, np.float64)
    n = len(y_N)
    if n < N_FOR_IMPORTANCE or not paths or np.ptp(y_N) == 0:
        return None
    x_NP = np.array([
        [scaled(space[path], of_trial.get(path)) for path in paths] for of_trial in params
    ])  # fmt: skip
    generator = np.random.default_rng(seed)
    lost, explained = [], []
    for _ in range(_N_FORESTS):
        drawn = generator.integers(0, n, n)
        unseen = np.setdiff1d(np.arange(n), drawn)
        if len(unseen) < 3 or np.ptp(y_N[unseen]) == 0:
            continue
        forest = ExtraTreesRegressor(
            n_estimators=48, min_samples_leaf=2, random_state=int(generator.integers(2**31))
        )
        forest.fit(x_NP[drawn], y_N[drawn])
        plain, shuffled_P = _errors(forest.predict, x_NP[unseen], y_N[unseen], generator)
        spread = y_N.var()
        explained.append(1 - plain / spread)
        lost.append((shuffled_P - plain) / spread)
    if not lost:
        return None
    lost_BP = np.array(lost)
    ends = np.quantile(lost_BP, [0.05, 0.95], axis=0)
    shares = dict(zip(paths, lost_BP.mean(0).tolist(), strict=True))
    ordered = sorted(shares, key=lambda path: -shares[path])
    place = {path: index for index, path in enumerate(paths)}
    return Importance(
        {path: shares[path] for path in ordered},
        {path: _interval(shares[path], ends[:, place[path]]) for path in ordered},
        float(np.mean(explained)),
        n,
    )


def _interval(share: float, ends: NDArray[np.float64]) -> Interval:
    """Return the interval of a mean over resamples, widened to hold the mean itself."""
    low, high = min(float(ends[0]), share), max(float(ends[1]), share)
    if low == high:
        return Interval.not_estimable("no forest used it", share, level=0.9)
    return Interval(share, low, high, 0.9, TRIALS)


def _errors(
    predict: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    x_NP: NDArray[np.float64],
    y_N: NDArray[np.float64],
    generator: np.random.Generator,
    n_shuffles: int = 4,
) -> tuple[float, NDArray[np.float64]]:
    """Return the mean squared error as it is, and with each column shuffled.

    As `sklearn.inspection.permutation_importance`, which asks the forest anew for each shuffle: of
    forests as small as these (48 trees, ten parameters) that takes 30 times as long as asking once.
    """
    n, n_columns = x_NP.shape
    versions = [x_NP]
    for column in range(n_columns):
        for _ in range(n_shuffles):
            shuffled = x_NP.copy()
            shuffled[:, column] = generator.permutation(shuffled[:, column])
            versions.append(shuffled)
    errors = ((predict(np.concatenate(versions)).reshape(-1, n) - y_N) ** 2).mean(1)
    return float(errors[0]), errors[1:].reshape(n_columns, n_shuffles).mean(1)


def scaled(range_: Range, value: Any) -> float:  # noqa: ANN401 (a choice may be anything)
    """Return where a value stands in its range, 0 to 1; -0.1 where its condition did not hold.

    >>> scaled(Range(low=1e-4, high=1e-2, log=True), 1e-3)
    0.5
    >>> scaled(Range(low=4, high=15, step=4), 12)
    1.0
    """
    if range_.choices is not None:
        if value not in range_.choices:
            return -0.1
        return range_.choices.index(value) / max(len(range_.choices) - 1, 1)
    if value is None:
        return -0.1
    assert range_.low is not None
    low, high, at = float(range_.low), float(range_.last), float(value)
    if range_.log:
        low, high, at = np.log([low, high, at]).tolist()
    return round((at - low) / (high - low), 12) if high > low else 0.5
