"""Confusion matrices and what they and class probabilities are worth, class by class.

The field's *weighted accuracy* is `accuracy` here, its *unweighted accuracy* is `uar`. A class that
does not occur among the labels does not count towards `uar`; towards `macro_f1` it counts if it was
predicted. Both as in scikit-learn. All functions of counts take any number of matrices at once, so
that thousands of resamples are scored by one call.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
#: Class probabilities `(…, n, n_classes)`.
Probabilities = NDArray[np.floating]
#: Counts, or sums of counts by weights `(…, n_classes, n_classes)`: a row a true class.
Counts = NDArray[Any]


def confusion(labels: Labels, predicted: Labels, n_classes: int) -> NDArray[np.int64]:
    """Return counts `(n_classes, n_classes)`: a row a true class, a column a predicted one."""
    flat = np.bincount(labels * n_classes + predicted, minlength=n_classes * n_classes)
    return flat.astype(np.int64).reshape(n_classes, n_classes)


def accuracies(counts: Counts) -> NDArray[np.float64]:
    """Return the accuracy of each confusion matrix, `(…)`; NaN of an empty one."""
    return divide(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def unweighted_average_recalls(counts: Counts) -> NDArray[np.float64]:
    """Return the mean of the classes' recalls, `(…)`."""
    return mean_by_class(recall_by_class(counts))


def macro_f1s(counts: Counts) -> NDArray[np.float64]:
    """Return the mean F1 of the classes that occur among labels or predictions, `(…)`."""
    return mean_by_class(f1_by_class(counts))


def weighted_f1s(counts: Counts) -> NDArray[np.float64]:
    """Return the mean of the classes' F1, each weighted by its number of labels, `(…)`."""
    support = counts.sum(-1)
    by_class = np.where(support > 0, f1_by_class(counts), 0)
    return divide((support * by_class).sum(-1), support.sum(-1))


def recall_by_class(counts: Counts) -> NDArray[np.float64]:
    """Return the recall of each class `(…, n_classes)`; NaN for a class that does not occur."""
    return divide(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def f1_by_class(counts: Counts) -> NDArray[np.float64]:
    """Return the F1 of each class `(…, n_classes)`; NaN if it is neither true nor predicted."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return divide(2 * hits, counts.sum(-1) + counts.sum(-2))


def mean_by_class(by_class: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the classes that have a value, `(…)`; NaN where none has."""
    has_value = np.isfinite(by_class)
    return divide(np.where(has_value, by_class, 0).sum(-1), has_value.sum(-1))


def predicted_classes(answers: Labels | Probabilities) -> Labels:
    """Return the likeliest classes of probabilities `(n, n_classes)`; classes as they are."""
    return np.asarray(answers if answers.ndim == 1 else answers.argmax(1), np.int64)


def is_right(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return 1 for each utterance whose likeliest class is the true one, else 0, `(…, n)`."""
    return np.asarray(probabilities.argmax(-1) == labels, np.float64)


def log_losses(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return each utterance's negative log probability of its true class, `(…, n)`."""
    own = probabilities[..., np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.maximum(own, np.finfo(np.float32).tiny)))


def divide(numerator: Counts, denominator: Counts) -> NDArray[np.float64]:
    """Return the quotients; NaN where the denominator is 0."""
    quotient = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient
