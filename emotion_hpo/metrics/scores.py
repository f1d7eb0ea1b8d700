"""What a set of predictions is worth: accuracy, unweighted average recall, macro F1.

The field's *weighted accuracy* is `accuracy` here, its *unweighted accuracy* is `uar`. A class that
does not occur among the labels does not count towards `uar`; towards `macro_f1` it counts if it was
predicted. Both as in scikit-learn.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

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


#: Name → what a confusion matrix is worth by it.
STATISTICS: Mapping[str, Statistic] = {"accuracy": accuracy, "uar": uar, "macro_f1": macro_f1}
