"""How long utterances last and how many words they have: IEMOCAP's distributions, met exactly.

The sorted lengths are fixed by published quantiles; what is drawn is only who gets which.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.figures import CLASSES, DURATION_S, MEAN_DURATION_S, WORDS

#: How many more words, in standard deviations of the logarithm, are said in each class, and in a
#: turn of none: long utterances do have many words, but anger and joy talk faster than sadness.
_WORDINESS = np.array([0.25, 0.25, -0.20, -0.15, 0.05])
#: Scatter of the pace against that of how much is said.
_PACE_SCATTER = 0.35
#: Length of the turns between against that of the classes' utterances.
BETWEEN_PACE = 0.952


def quantiles(figures: Mapping[float, float], n: int) -> NDArray[np.float64]:
    """The `n` sorted values of a distribution that is known at some cumulative shares.

    Shares are bent by the normal quantile and values by the logarithm, in which such lengths are
    nearly straight lines.
    """
    from scipy.interpolate import PchipInterpolator  # 23 MB that no worker ever needs
    from scipy.special import ndtri

    def bent(share: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndtri(0.0002 + 0.9996 * share))  # finite at 0 and 1

    shares = np.array(list(figures))
    values = np.log(np.array(list(figures.values())))
    # The first and last utterance stand at shares 0 and 1, so that the maximum is met.
    return np.asarray(np.exp(PchipInterpolator(bent(shares), values)(bent(np.linspace(0, 1, n)))))


def quantiles_linear(figures: Mapping[float, float], n: int) -> NDArray[np.float64]:
    """As `quantiles`, by straight lines, for values that may be negative."""
    return np.interp(np.linspace(0, 1, n), list(figures), list(figures.values()))


def drawn(
    rng: np.random.Generator, rows: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Seconds and words of each turn; a line of a play is as long in all its performances.

    Args:
        rng: Decides who says much.
        rows: Turns with `line`, `said`, `label` and `emotion`.
    """
    line = rows["line"].to_numpy()
    much = rng.normal(size=len(rows))
    of_line = rng.normal(size=line.max() + 1)
    much[line >= 0] = of_line[line[line >= 0]]
    scatter = much + rng.normal(scale=_PACE_SCATTER, size=len(rows))
    much += _WORDINESS[np.minimum(rows["said"], len(CLASSES))]
    seconds, words = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    has_class = rows["emotion"].notna().to_numpy()
    for where in (has_class, ~has_class):
        words[where] = np.floor(quantiles(WORDS, int(where.sum()))).astype(np.int64)[
            ranks(much[where])
        ]
    label = rows["label"].to_numpy()
    seconds[has_class] = durations(label[has_class], scatter[has_class])
    ordered = BETWEEN_PACE * quantiles(DURATION_S, int((~has_class).sum()))
    seconds[~has_class] = ordered[ranks(scatter[~has_class])]
    return np.round(seconds, 4), words


def durations(emotion: NDArray[np.int64], scatter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of each utterance, with IEMOCAP's quantiles overall and its means by emotion.

    Args:
        emotion: Class of each utterance, as its number.
        scatter: Decides who is long within a class.
    """
    ordered = quantiles(DURATION_S, len(emotion))
    target = (
        np.array(MEAN_DURATION_S)
        * ordered.mean()
        / np.dot(MEAN_DURATION_S, np.bincount(emotion, minlength=4) / len(emotion))
    )
    shift = np.zeros(4)
    for _ in range(12):  # moving a class by its relative error settles within a few rounds
        values = ordered[ranks(scatter + shift[emotion])]
        mean = np.bincount(emotion, values, minlength=4) / np.bincount(emotion, minlength=4)
        shift += 1.3 * np.log(target / mean)
    return values


def ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank of each value among all, from 0."""
    order = np.empty(len(values), dtype=np.int64)
    order[np.argsort(values, kind="stable")] = np.arange(len(values))
    return order
