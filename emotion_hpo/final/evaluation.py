"""How good a model is on the test: its scores with intervals, and its gains over other models.

In: the test utterances and the probabilities of each seed's network. Out: parts of `result.json`
(`study.records.final_result`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo import metrics
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.study.records.final_result import (
    AccuracyGain,
    Calibration,
    Confusion,
    Gain,
    Gains,
    Recall,
    ReliabilityBin,
    Scores,
)

Probabilities = NDArray[np.float32]
Rows = NDArray[np.bool_]


def measure_interval(
    metric: str,
    test: Utterances,
    predicted: NDArray[np.int64] | Probabilities,
    rows: Rows | None = None,
) -> metrics.Interval:
    """Return the interval of a score of some utterances of the test, or of all.

    Args:
        metric: Its name.
        test: The test utterances.
        predicted: Classes `(n,)`, or probabilities `(n, classes)`, which every metric takes.
        rows: Which of them; None for all.
    """
    chosen = np.ones(len(test), np.bool_) if rows is None else rows
    dialogues = test.table["dialogue"].to_numpy(str)[chosen].tolist()
    return metrics.interval(
        metric, test.labels[chosen], predicted[chosen], dialogues, len(test.classes)
    )


def measure(
    metric: str,
    test: Utterances,
    predicted: NDArray[np.int64] | Probabilities,
    rows: Rows | None = None,
) -> dict[str, Any]:
    """Return a score and its interval, by the names that records have for them."""
    interval = measure_interval(metric, test, predicted, rows)
    return {metric: interval.estimate, f"{metric}_interval": interval}


def measure_scores(test: Utterances, answers: Probabilities) -> Scores:
    """Return every metric of a model's answers `(n, classes)` to all test utterances."""
    scores: dict[str, Any] = {}
    for metric in metrics.METRICS:
        scores |= measure(metric, test, answers)
    return Scores(**scores)


def measure_recalls(test: Utterances, predicted: NDArray[np.int64]) -> dict[str, Recall]:
    """Return class → its recall: the accuracy on its utterances."""
    recalls = {}
    for label, name in enumerate(test.classes):
        interval = measure_interval("accuracy", test, predicted, test.labels == label)
        n = interval.n_utterances or 0
        recalls[name] = Recall(recall=interval.estimate, interval=interval, n=n)
    return recalls


def count_confusions(test: Utterances, predicted: NDArray[np.int64]) -> Confusion:
    """Return the counts of true and predicted classes."""
    counts = metrics.confusion(test.labels, predicted, len(test.classes))
    return Confusion(classes=test.classes, counts=tuple(map(tuple, counts.tolist())))


def accuracy_by_seed(test: Utterances, by_seed: Probabilities) -> tuple[float, ...]:
    """Return the accuracy of each seed's network alone, of probabilities `(seeds, n, classes)`."""
    accuracy = metrics.METRICS["accuracy"]
    return tuple(accuracy.score(test.labels, answers) for answers in by_seed)


def measure_calibration(labels: NDArray[np.int64], probabilities: Probabilities) -> Calibration:
    """Return calibration error, Brier score and the bins of a reliability diagram."""
    bins = metrics.reliability(labels, probabilities)
    return Calibration(
        ece=metrics.calibration_error(labels, probabilities),
        brier=metrics.brier(labels, probabilities),
        reliability=tuple(
            ReliabilityBin(confidence=bin_.confidence, accuracy=bin_.accuracy, n=bin_.n)
            for bin_ in bins
        ),
    )


def measure_gains(test: Utterances, answers: Probabilities, other: Probabilities) -> Gains:
    """Return by how much `answers` `(n, classes)` are better than another model's."""
    gains: dict[str, Gain] = {"accuracy": measure_accuracy_gain(test, answers, other)}
    for metric in metrics.METRICS:
        if metric != "accuracy":
            comparison = _compare(test, answers, other, metric)
            gains[metric] = Gain(difference=comparison.difference, interval=comparison.interval)
    return Gains.model_validate(gains)


def measure_accuracy_gain(
    test: Utterances, answers: Probabilities, other: Probabilities
) -> AccuracyGain:
    """Return the paired difference of accuracies, with McNemar's test of single answers."""
    comparison = _compare(test, answers, other, "accuracy")
    return AccuracyGain(
        difference=comparison.difference,
        interval=comparison.interval,
        n_only_this=comparison.n_first,
        n_only_other=comparison.n_second,
        mcnemar_p=comparison.p_value,
    )


def _compare(
    test: Utterances, answers: Probabilities, other: Probabilities, metric: str
) -> metrics.Comparison:
    """Compare two models' answers; of a loss, the gain is by how much it is lower."""
    is_score = metrics.METRICS[metric].greater_is_better
    return metrics.compare(
        test.labels,
        answers if is_score else other,
        other if is_score else answers,
        list(test.table["dialogue"]),
        len(test.classes),
        metric=metric,
    )
