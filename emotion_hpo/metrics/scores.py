"""What a set of predictions is worth: accuracy, unweighted average recall, macro F1.

The field's *weighted accuracy* is `accuracy` here, its *unweighted accuracy* is `uar`. A class that
does not occur among the labels does not count towards `uar`; towards `macro_f1` it counts if it was
predicted. Both as in scikit-learn.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
#: Counts, or sums of counts by weights `(…, n_classes, n_classes)`: a row a true class.
Counts = NDArray[Any]
Statistic = Callable[[NDArray[np.int64]], float]


def confusion(labels: Labels, predicted: Labels, n_classes: int) -> NDArray[np.int64]:
    """Counts `(n_classes, n_classes)`: a row a true class, a column a predicted one."""
    flat = np.bincount(labels * n_classes + predicted, minlength=n_classes * n_classes)
    return flat.astype(np.int64).reshape(n_classes, n_classes)


def accuracies(counts: Counts) -> NDArray[np.float64]:
    """Accuracy of each confusion matrix, `(…)`; NaN of an empty one."""
    return _divided(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def recall_by_class(counts: Counts) -> NDArray[np.float64]:
    """Recall of each class `(…, n_classes)`; NaN for a class that does not occur."""
    return _divided(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def f1_by_class(counts: Counts) -> NDArray[np.float64]:
    """F1 of each class `(…, n_classes)`; NaN for one that is neither true nor predicted."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return _divided(2 * hits, counts.sum(-1) + counts.sum(-2))


def mean_by_class(by_class: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the classes that have a value, `(…, n_classes)` to `(…)`; NaN where none has."""
    has_value = np.isfinite(by_class)
    return _divided(np.where(has_value, by_class, 0).sum(-1), has_value.sum(-1))


def _divided(numerator: Counts, denominator: Counts) -> NDArray[np.float64]:
    quotient = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient


#: Name → the score of each confusion matrix, `(…, n_classes, n_classes)` to `(…)`.
SCORES: Mapping[str, Callable[[Counts], NDArray[np.float64]]] = {
    "accuracy": accuracies,
    "uar": lambda counts: mean_by_class(recall_by_class(counts)),
    "macro_f1": lambda counts: mean_by_class(f1_by_class(counts)),
}


def accuracy(counts: NDArray[np.int64]) -> float:
    """Share of utterances on the diagonal of a confusion matrix."""
    return float(SCORES["accuracy"](counts))


def uar(counts: NDArray[np.int64]) -> float:
    """Unweighted average recall: the mean of the classes' recalls."""
    return float(SCORES["uar"](counts))


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Mean of the classes' F1 over the classes that occur among labels or predictions."""
    return float(SCORES["macro_f1"](counts))


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


#: Name → what a confusion matrix is worth by it.
STATISTICS: Mapping[str, Statistic] = {"accuracy": accuracy, "uar": uar, "macro_f1": macro_f1}
