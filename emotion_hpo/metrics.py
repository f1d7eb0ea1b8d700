"""What a set of predictions is worth: accuracy, unweighted average recall, macro F1, intervals.

The field's *weighted accuracy* is `accuracy` here, its *unweighted accuracy* is `uar`. A class that
does not occur among the labels does not count towards `uar`; towards `macro_f1` it counts if it was
predicted. Both as in scikit-learn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Labels = NDArray[np.int64]
Statistic = Callable[[NDArray[np.int64]], float]


def confusion(labels: Labels, predicted: Labels, n_classes: int) -> NDArray[np.int64]:
    """Counts `(n_classes, n_classes)`: a row a true class, a column a predicted one."""
    flat = np.bincount(labels * n_classes + predicted, minlength=n_classes * n_classes)
    return flat.astype(np.int64).reshape(n_classes, n_classes)


def accuracy(counts: NDArray[np.int64]) -> float:
    """Share of utterances on the diagonal of a confusion matrix."""
    total = counts.sum()
    return float(np.trace(counts) / total) if total else float("nan")


def recall_by_class(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Recall of each class; NaN for a class that does not occur."""
    support = counts.sum(1)
    recalls = np.full(len(counts), np.nan)
    np.divide(np.diag(counts), support, out=recalls, where=support > 0)
    return recalls


def uar(counts: NDArray[np.int64]) -> float:
    """Unweighted average recall: the mean of the classes' recalls."""
    recalls = recall_by_class(counts)
    return float(np.nanmean(recalls)) if np.isfinite(recalls).any() else float("nan")


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Mean of the classes' F1 over the classes that occur among labels or predictions."""
    denominator = counts.sum(1) + counts.sum(0)
    occurs = denominator > 0
    if not occurs.any():
        return float("nan")
    return float((2 * np.diag(counts)[occurs] / denominator[occurs]).mean())


def figures(labels: Labels, probabilities: NDArray[np.float32]) -> dict[str, float]:
    """`loss`, `accuracy`, `uar` and `macro_f1` of class probabilities `(n, classes)`."""
    counts = confusion(labels, probabilities.argmax(1), probabilities.shape[1])
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return {
        "loss": float(-np.log(np.maximum(own, np.finfo(np.float32).tiny)).mean()),
        "accuracy": accuracy(counts),
        "uar": uar(counts),
        "macro_f1": macro_f1(counts),
    }


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        by_utterance: Whether it takes utterances, not dialogues, as independent.
    """

    low: float
    high: float
    by_utterance: bool = False


def dialogue_interval(
    statistic: Callable[[NDArray[np.int64]], float],
    labels: Labels,
    predicted: Labels,
    dialogues: Sequence[str],
    n_classes: int,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap over whole dialogues, for utterances of one are not independent.

    Args:
        statistic: A function of a confusion matrix: `accuracy`, `uar` …
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)`.
        dialogues: The dialogue of each utterance `(n,)`.
        n_classes: Number of classes.
        level: Coverage aimed at.
        n_resamples: Number of resamples.
        seed: Of the resampling.

    Returns:
        NaN and NaN where the statistic has no value, such as the recall of a class that is absent.
    """
    names, groups = np.unique(np.asarray(dialogues), return_inverse=True)
    counts = np.zeros((len(names), n_classes, n_classes), np.int64)
    np.add.at(counts, (groups, labels, predicted), 1)
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), n_resamples)
    resampled = np.einsum("rd,dij->rij", draws, counts)
    values = [statistic(one) for one in resampled]
    if np.isnan(values).all():
        return Interval(float("nan"), float("nan"))
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def recall_interval(
    label: int, labels: Labels, predicted: Labels, dialogues: Sequence[str], n_classes: int
) -> Interval:
    """95 % interval of a class's recall: by `dialogue_interval`, or exact where that says nothing.

    Where each utterance of a class is right, or each is wrong, so it is in every resample, and the
    bootstrap's interval would be a point: certainty from a handful of utterances. There the exact
    binomial interval is taken. It assumes that the utterances are independent, which those of one
    dialogue are not: it is too narrow then, but says how few they are.

    Args:
        label: The class.
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)`.
        dialogues: The dialogue of each utterance `(n,)`.
        n_classes: Number of classes.
    """

    def recall(counts: NDArray[np.int64]) -> float:
        return float(recall_by_class(counts)[label])

    found = dialogue_interval(recall, labels, predicted, dialogues, n_classes)
    if found.low != found.high or np.isnan(found.low):
        return found
    of_class = labels == label
    return exact_interval(int((predicted[of_class] == label).sum()), int(of_class.sum()))


def exact_interval(n_right: int, n: int, *, level: float = 0.95) -> Interval:
    """Interval of a share of independent utterances, from the binomial distribution itself.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), doi:10.1093/biomet/26.4.404; its ends as quantiles of beta
    distributions.

    >>> exact_interval(10, 10)
    Interval(low=0.6915028921812392, high=1.0, by_utterance=True)
    """
    tail = (1 - level) / 2
    low = betaincinv(n_right, n - n_right + 1, tail) if n_right > 0 else 0.0
    high = betaincinv(n_right + 1, n - n_right, 1 - tail) if n_right < n else 1.0
    return Interval(float(low), float(high), by_utterance=True)
