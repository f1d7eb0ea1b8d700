"""Two models on the same utterances: by how much the first is better, and if that is chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import bdtr, chdtrc

from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.metrics.intervals import interval
from emotion_hpo.metrics.scores import Labels, Probabilities, predicted_classes

#: Fewer utterances on which one alone is right: the binomial distribution itself is taken.
_FEW = 25


@dataclass(frozen=True)
class Comparison:
    """The first model less the second.

    Attributes:
        difference: In the metric.
        interval: Around it.
        n_first: Utterances that the first alone has right.
        n_second: Utterances that the second alone has right.
        p_value: McNemar's, two-sided: how likely so uneven a split of those is by chance.
    """

    difference: float
    interval: Interval
    n_first: int
    n_second: int
    p_value: float


def compare(
    labels: Labels,
    first: Labels | Probabilities,
    second: Labels | Probabilities,
    dialogues: Sequence[str],
    n_classes: int,
    *,
    metric: str = "accuracy",
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare two models by the paired interval of their difference, and by McNemar's test.

    Both models meet the same dialogues in every resample, so what is hard for both cancels out
    (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 16).

    Args:
        labels: True classes `(n,)`, at least one.
        first: Predicted classes `(n,)` or class probabilities `(n, n_classes)` of a model.
        second: The same of the other model.
        dialogues: The dialogue of each utterance.
        n_classes: Number of classes.
        metric: Its name in the registry.
        level: Coverage aimed at.
        n_resamples: Number of resamples.
        seed: Of the resampling.
    """
    difference = interval(
        metric, labels, first, dialogues, n_classes,
        less=second, level=level, n_resamples=n_resamples, seed=seed,
    )  # fmt: skip
    assert difference.estimate is not None, "a test has utterances"
    is_right, other_is_right = (predicted_classes(model) == labels for model in (first, second))
    n_first = int((is_right & ~other_is_right).sum())
    n_second = int((other_is_right & ~is_right).sum())
    p_value = mcnemar(n_first, n_second)
    return Comparison(difference.estimate, difference, n_first, n_second, p_value)


def mcnemar(n_first: int, n_second: int) -> float:
    """Return McNemar's two-sided p-value, from how many utterances one model alone has right.

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
