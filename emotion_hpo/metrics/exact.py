"""Exact intervals of independent utterances: of a share, and of a difference of two models.

They take the utterances of a dialogue as independent, which they are not. So they are the least
that an interval must reach, whatever the resamples say.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

#: How far an interval reaches below and above its estimate, `(2,)`.
Reach = NDArray[np.float64]


def clopper_pearson(n_right: int, n: int, level: float) -> tuple[float, float]:
    """Return the exact binomial interval of a share of independent utterances.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), doi:10.1093/biomet/26.4.404; its ends as quantiles of beta
    distributions, by the function behind `scipy.stats.beta.ppf`, for importing `scipy.stats` takes
    longer than all of a test's intervals.

    >>> clopper_pearson(10, 10, 0.95)
    (0.6915028921812392, 1.0)
    """
    tail = (1 - level) / 2
    low = betaincinv(n_right, n - n_right + 1, tail) if n_right > 0 else 0.0
    high = betaincinv(n_right + 1, n - n_right, 1 - tail) if n_right < n else 1.0
    return float(low), float(high)


def share_reach(n_right: int, n: int, level: float) -> Reach:
    """Return reach of the exact interval around `n_right / n`."""
    low, high = clopper_pearson(n_right, n, level)
    return np.array([n_right / n - low, high - n_right / n])


def f1_reach(n_hits: int, n_union: int, level: float) -> Reach:
    """Return reach of the exact interval around a class's F1.

    F1 grows with J, the share of hits among the utterances that are of the class by label or by
    prediction: F1 = 2J / (1 + J). So the exact interval of J is one of F1.

    Args:
        n_hits: Utterances of the class that are predicted so.
        n_union: Utterances that are of the class by label or by prediction.
        level: Coverage aimed at.
    """
    low, share, high = (
        2 * end / (1 + end)
        for end in np.insert(clopper_pearson(n_hits, n_union, level), 1, n_hits / n_union)
    )
    return np.array([share - low, high - share])


def gain_reach(n_first: int, n_second: int, n: int, level: float) -> Reach:
    """Return reach of the exact interval around the difference of two models' shares.

    The wider of two. Of the discordant utterances, which one model alone has right, the first
    model's share has an exact interval, which scaled by their number is one of the difference; it
    spans 0 exactly where McNemar's exact test is not significant. But it takes their number as
    known, and without any it would be a point. So the shares that the first alone and the second
    alone has right, each with its exact interval, are also combined by squares (Newcombe, "Improved
    confidence intervals for the difference between binomial proportions based on paired data",
    Statistics in Medicine 17, 1998), with the correlation of multinomial counts.

    Args:
        n_first: Utterances that the first model alone has right.
        n_second: Utterances that the second alone has right.
        n: All utterances.
        level: Coverage aimed at.
    """
    shares = np.array([n_first, n_second]) / n
    first, second = share_reach(n_first, n, level), share_reach(n_second, n, level)[::-1]
    odds = shares / np.maximum(1 - shares, 1 / n)
    squares = first**2 + second**2 + 2 * min(1.0, np.sqrt(odds.prod())) * first * second
    reach = np.sqrt(squares)
    if n_discordant := n_first + n_second:
        scale = 2 * n_discordant / n
        reach = np.maximum(reach, scale * share_reach(n_first, n_discordant, level))
    return np.asarray(reach)
