"""How sure a figure is: intervals by resampling dialogues, exact ones, and one over folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from emotion_hpo.metrics.scores import Labels, accuracy, recall_by_class

#: Four dialogues have 35 different resamples: a tail of 2.5 % would be less than one of them.
FEWEST_DIALOGUES = 5


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

    As `accuracy_interval`, of the utterances of the class alone.

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
    of_class = labels == label
    return _never_certain(found, predicted[of_class] == label, np.asarray(dialogues)[of_class])


def accuracy_interval(
    labels: Labels, predicted: Labels, dialogues: Sequence[str], n_classes: int
) -> Interval:
    """95 % interval of an accuracy, however few utterances it is of.

    By `dialogue_interval`, but for two cases. Where each utterance is right, or each is wrong, so
    it is in every resample, and the bootstrap's interval would be a point: certainty from a handful
    of utterances. And of a few dialogues there are too few different resamples. There the interval
    reaches at least as far as the exact binomial one. That takes the utterances as independent,
    which those of one dialogue are not: it is too narrow then, but says how few they are.

    Args:
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)`.
        dialogues: The dialogue of each utterance `(n,)`.
        n_classes: Number of classes.
    """
    found = dialogue_interval(accuracy, labels, predicted, dialogues, n_classes)
    return _never_certain(found, labels == predicted, np.asarray(dialogues))


def _never_certain(
    found: Interval, right: NDArray[np.bool_], dialogues: NDArray[np.str_]
) -> Interval:
    """The interval, or a wider one where the resamples of these utterances say too little."""
    if np.isnan(found.low):
        return found
    if found.low != found.high and len(np.unique(dialogues)) >= FEWEST_DIALOGUES:
        return found
    exact = exact_interval(int(right.sum()), len(right))
    return Interval(min(found.low, exact.low), max(found.high, exact.high), by_utterance=True)


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


def resamples(dialogues: int, n: int, seed: int) -> NDArray[np.int64]:
    """How often each dialogue occurs in each of `n` resamples of as many, `(n, dialogues)`."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(dialogues, np.full(dialogues, 1 / dialogues), n)


def fold_interval(
    values: Sequence[float], n_train: int, n_test: int, *, level: float = 0.95
) -> Interval:
    """Interval of a mean over folds whose training parts overlap, or of a paired difference.

    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52 (2003),
    doi:10.1023/A:1024068626366: folds that share training data are correlated, so the variance of
    their mean is not `1/k` of theirs but `1/k + n_test/n_train` of it.

    Args:
        values: One a fold.
        n_train: Utterances that a fold trains on, on average.
        n_test: Utterances that a fold is judged on, on average.
        level: Coverage aimed at.

    Returns:
        NaN and NaN for a single fold, whose spread nobody knows.
    """
    k = len(values)
    if k < 2:
        return Interval(float("nan"), float("nan"))
    deviation = float(np.std(values, ddof=1)) * np.sqrt(1 / k + n_test / n_train)
    half = float(stdtrit(k - 1, (1 + level) / 2)) * deviation
    mean = float(np.mean(values))
    return Interval(mean - half, mean + half)
