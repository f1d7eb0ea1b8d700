"""Two models on the same utterances: by how much the first is better, and if that is chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, chdtrc

from emotion_hpo.metrics.intervals import FEWEST_DIALOGUES, resamples
from emotion_hpo.metrics.scores import STATISTICS, Labels, confusion

#: Fewer utterances on which one alone is right: the binomial distribution itself is taken.
_FEW = 25


@dataclass(frozen=True)
class Comparison:
    """The first model less the second.

    Attributes:
        difference: In the statistic.
        low: Lower end of its interval.
        high: Upper end.
        n_first: Utterances that the first alone has right.
        n_second: Utterances that the second alone has right.
        p_value: McNemar's, two-sided: how likely so uneven a split of those is by chance.
    """

    difference: float
    low: float
    high: float
    n_first: int
    n_second: int
    p_value: float


def compare(
    labels: Labels,
    first: Labels,
    second: Labels,
    dialogues: Sequence[str],
    n_classes: int,
    *,
    statistic: str = "accuracy",
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Paired bootstrap of the difference over dialogues, and McNemar's test.

    Both models meet the same dialogues in every resample, so what is hard for both cancels out
    (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 16). Of fewer than five
    dialogues there are too few resamples: there the interval reaches at least as far as that over
    resampled utterances.

    Args:
        labels: True classes `(n,)`.
        first: What the first model predicts.
        second: What the second does.
        dialogues: The dialogue of each utterance.
        n_classes: Number of classes.
        statistic: `accuracy`, `uar` or `macro_f1`.
        level: Coverage aimed at.
        n_resamples: Number of resamples.
        seed: Of the resampling.
    """
    score = STATISTICS[statistic]
    groups = np.unique(np.asarray(dialogues), return_inverse=True)[1]
    units = [groups] if groups.max() + 1 >= FEWEST_DIALOGUES else [groups, np.arange(len(labels))]
    tail = (1 - level) / 2
    ends = np.array([
        np.nanquantile(
            _differences(score, labels, (first, second), unit, n_classes, n_resamples, seed),
            [tail, 1 - tail],
        )
        for unit in units
    ])  # fmt: skip
    whole = [score(confusion(labels, one, n_classes)) for one in (first, second)]
    n_first = int(((first == labels) & (second != labels)).sum())
    n_second = int(((second == labels) & (first != labels)).sum())
    return Comparison(
        whole[0] - whole[1],
        float(ends[:, 0].min()),
        float(ends[:, 1].max()),
        n_first,
        n_second,
        mcnemar(n_first, n_second),
    )


def _differences(
    score: Callable[[NDArray[np.int64]], float],
    labels: Labels,
    models: tuple[Labels, Labels],
    groups: NDArray[np.int64],
    n_classes: int,
    n_resamples: int,
    seed: int,
) -> list[float]:
    """Score of the first model less that of the second, in each resample of the groups."""
    counts = np.zeros((2, groups.max() + 1, n_classes, n_classes), np.int64)
    for model, predicted in enumerate(models):
        np.add.at(counts[model], (groups, labels, predicted), 1)
    draws = resamples(counts.shape[1], n_resamples, seed)
    resampled = np.einsum("rd,mdij->mrij", draws, counts)
    return [score(one) - score(other) for one, other in zip(*resampled, strict=True)]


def mcnemar(n_first: int, n_second: int) -> float:
    """Two-sided p-value of McNemar's test from the utterances that one model alone has right.

    McNemar, "Note on the sampling error of the difference between correlated proportions",
    Psychometrika 12 (1947); with Edwards's correction for continuity, and for few utterances from
    the binomial distribution itself. It takes utterances as independent, which those of a dialogue
    are not: the bootstrap beside it does not.

    >>> mcnemar(0, 0), mcnemar(1, 9)
    (1.0, 0.021484375)
    """
    n = n_first + n_second
    if n < _FEW:
        return min(1.0, 2 * float(bdtr(min(n_first, n_second), n, 0.5))) if n else 1.0
    statistic = max(abs(n_first - n_second) - 1, 0) ** 2 / n
    return float(chdtrc(1, statistic))
