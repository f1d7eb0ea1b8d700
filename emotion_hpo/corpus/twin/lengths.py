"""How long utterances last and how many words they have: IEMOCAP's distributions, met exactly.

The sorted lengths are fixed by published quantiles; what is drawn is only who gets which.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.figures import DURATION_S, MEAN_DURATION_S, WORDS

#: Words a second beside neutral speech, in the order of the classes: anger and joy talk faster.
_RATE = np.array([0.18, 0.12, 0.0, -0.30])
#: Scatter of the speaking rate; small, since long utterances do have many words.
_RATE_SCATTER = 0.25


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


def durations(emotion: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Seconds of each utterance, with IEMOCAP's quantiles overall and its means by emotion.

    Args:
        emotion: Class of each utterance, as its number.
        rng: Decides who is long within a class.
    """
    ordered = quantiles(DURATION_S, len(emotion))
    scatter = rng.normal(size=len(emotion))
    target = (
        np.array(MEAN_DURATION_S)
        * ordered.mean()
        / np.dot(MEAN_DURATION_S, np.bincount(emotion, minlength=4) / len(emotion))
    )
    shift = np.zeros(4)
    for _ in range(12):  # moving a class by its relative error settles within a few rounds
        values = ordered[_ranks(scatter + shift[emotion])]
        mean = np.bincount(emotion, values, minlength=4) / np.bincount(emotion, minlength=4)
        shift += 1.3 * np.log(target / mean)
    return values


def word_counts(
    seconds: NDArray[np.float64], emotion: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Words of each utterance: IEMOCAP's quantiles, dealt out by duration and speaking rate."""
    spoken = np.log(seconds) + _RATE[emotion] + rng.normal(scale=_RATE_SCATTER, size=len(seconds))
    return np.floor(quantiles(WORDS, len(seconds))).astype(np.int64)[_ranks(spoken)]


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank of each value among all, from 0."""
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks
