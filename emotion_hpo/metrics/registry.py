"""Every metric that predictions are scored by: one entry each, read by all that name a metric.

The choices of `study.objective`, the scores after every epoch, the baseline, `result.json`, the
intervals, the correction of the winner's value, report, screen and MLflow walk over `METRICS`. A
new metric is an entry here and a row of `tests/metrics/test_registry.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.components import (
    ACCURACY_PARTS,
    MACRO_F1_PARTS,
    UAR_PARTS,
    WEIGHTED_F1_PARTS,
    ExactParts,
)
from emotion_hpo.metrics.scores import (
    Counts,
    Labels,
    Probabilities,
    accuracies,
    confusion,
    is_right,
    log_losses,
    macro_f1s,
    unweighted_average_recalls,
    weighted_f1s,
)


@dataclass(frozen=True)
class Metric:
    """A score of predictions. At least one of `from_counts` and `from_probabilities` is given.

    Attributes:
        name: In configurations and files.
        label: In texts, tables and figures.
        greater_is_better: Whether a model with a higher value is the better one.
        from_counts: Confusion matrices `(…, n_classes, n_classes)` → values `(…)`.
        from_probabilities: Labels `(n,)` and probabilities `(…, n, n_classes)` → what each
            utterance contributes `(…, n)`; the value is their mean.
        averages_classes: Whether that mean is taken in each class first, then over the classes.
        exact: Parts with an exact interval. Without them, intervals are of resampled dialogues
            alone.
        unit: `share`: from 0 to 1, shown in per cent; `nats`: from 0 on.
    """

    name: str
    label: str
    greater_is_better: bool
    from_counts: Callable[[Counts], NDArray[np.float64]] | None = None
    from_probabilities: Callable[[Labels, Probabilities], NDArray[np.float64]] | None = None
    averages_classes: bool = False
    exact: ExactParts | None = None
    unit: Literal["share", "nats"] = "share"

    @property
    def sign(self) -> int:
        """1 where a higher value is better, -1 where a lower one is."""
        return 1 if self.greater_is_better else -1

    @property
    def highest(self) -> float:
        """The highest value there can be."""
        return 1.0 if self.unit == "share" else float("inf")

    @property
    def needs_probabilities(self) -> bool:
        """Whether predicted classes alone have no value."""
        return self.from_counts is None

    def score(self, labels: Labels, probabilities: Probabilities) -> float:
        """Return the value of class probabilities `(n, n_classes)`."""
        if self.from_counts is not None:
            counts = confusion(labels, probabilities.argmax(1), probabilities.shape[1])
            return float(self.from_counts(counts))
        assert self.from_probabilities is not None, "a metric has one of both"
        values = self.from_probabilities(labels, probabilities)
        if self.averages_classes:
            return float(np.mean([values[labels == label].mean() for label in np.unique(labels)]))
        return float(values.mean())


#: Name → metric, in the order in which tables show them.
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", True, accuracies, is_right, exact=ACCURACY_PARTS),
        Metric("uar", "UAR", True, unweighted_average_recalls, exact=UAR_PARTS),
        Metric("macro_f1", "macro F1", True, macro_f1s, exact=MACRO_F1_PARTS),
        Metric("weighted_f1", "weighted F1", True, weighted_f1s, exact=WEIGHTED_F1_PARTS),
        Metric("loss", "log loss", False, from_probabilities=log_losses, unit="nats"),
        Metric(
            "balanced_log_loss", "balanced log loss", False,
            from_probabilities=log_losses, averages_classes=True, unit="nats",
        ),
    )
}  # fmt: skip

#: What `study.objective` may be.
OBJECTIVES = tuple(f"val/{name}" for name in METRICS)


def find_metric(name: str) -> Metric:
    """Return a metric by its name, or by that of an objective or a logged value.

    >>> find_metric("val/uar").label, find_metric("loss").sign
    ('UAR', -1)
    """
    return METRICS[name.rpartition("/")[2]]


def score_all(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Return the value of every metric by its name, of class probabilities `(n, n_classes)`."""
    return {name: metric.score(labels, probabilities) for name, metric in METRICS.items()}
