"""Metrics as functions of sums over dialogues, so that dialogues can be weighted and left out.

What an utterance contributes to a metric is added up within its dialogue: a confusion matrix, or
the sum of its values and their number, by class where a metric averages classes. The value of any
choice of dialogues, or of any weights, then follows from weighted sums of a few numbers each.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.registry import Metric
from emotion_hpo.metrics.scores import Labels, Probabilities, divide, mean_by_class

#: Sums of dialogues, or weighted sums of those; the last axis holds what a metric needs.
Sums = NDArray[np.float64]


def sum_by_group(
    metric: Metric,
    labels: Labels,
    probabilities: Probabilities,
    groups: NDArray[np.int64],
    n_groups: int,
) -> Sums:
    """Return what the metric needs of each dialogue, `(models, n_groups, …)`: additive.

    Args:
        metric: The metric. A mean over utterances is summed up as such, which is the least work.
        labels: True classes `(n,)`.
        probabilities: Of one or several models, or epochs, `(models, n, n_classes)`.
        groups: The dialogue of each utterance as a number `(n,)`.
        n_groups: Number of dialogues.
    """
    n_models, _, n_classes = probabilities.shape
    if metric.from_probabilities is not None:
        values_MN = metric.from_probabilities(labels, probabilities)
        n_cells = n_classes if metric.averages_classes else 1
        cells = groups * n_cells + labels if metric.averages_classes else groups
        member_NK = (cells[:, None] == np.arange(n_groups * n_cells)).astype(np.float64)
        totals = values_MN @ member_NK
        sums = np.stack([totals, np.broadcast_to(member_NK.sum(0), totals.shape)], axis=2)
        return sums.reshape(n_models, n_groups, n_cells * 2)
    # One number for each combination of model, dialogue, true and predicted class, then counted
    models = np.arange(n_models)[:, None]
    flat = ((models * n_groups + groups) * n_classes + labels) * n_classes
    flat = flat + probabilities.argmax(2)
    counts = np.bincount(flat.ravel(), minlength=n_models * n_groups * n_classes**2)
    return counts.reshape(n_models, n_groups, n_classes**2).astype(np.float64)


def value_of_sums(metric: Metric, sums_K: NDArray[Any]) -> NDArray[np.float64]:
    """Return the metric of summed dialogues, `(…, K)` to `(…)`; NaN where there is none."""
    if metric.from_probabilities is not None:
        by_class = sums_K.reshape(*sums_K.shape[:-1], -1, 2)
        return mean_by_class(divide(by_class[..., 0], by_class[..., 1]))
    assert metric.from_counts is not None, "a metric has one of both"
    n_classes = round(sums_K.shape[-1] ** 0.5)
    return metric.from_counts(sums_K.reshape(*sums_K.shape[:-1], n_classes, n_classes))
