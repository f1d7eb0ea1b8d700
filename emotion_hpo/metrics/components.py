"""What a score is made of: parts that each have an exact interval.

An accuracy is one part, a UAR the mean of its classes' recalls, a macro or weighted F1 a mean of
their F1. A difference of two models is a sum of differences of shares, each by its discordant
utterances: one for accuracy, one a class for UAR, two a class for F1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.exact import Reach, f1_reach, gain_reach, share_reach
from emotion_hpo.metrics.scores import Labels, accuracies, f1_by_class, recall_by_class

#: Sums over dialogues: `(models, n_classes, n_classes)`, or of every resample `(R, …)`.
Tally = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Labels and what one model, or each of two, says of them.

    Attributes:
        labels: True classes `(n,)`.
        predicted: Predicted classes, `(models, n)`.
        groups: The dialogue of each utterance as a number `(n,)`.
        n_classes: Number of classes.
    """

    labels: Labels
    predicted: NDArray[np.int64]
    groups: NDArray[np.int64]
    n_classes: int

    def tally_by_dialogue(self) -> NDArray[np.int64]:
        """Return confusion matrices `(dialogues, models, n_classes, n_classes)`."""
        n_models = len(self.predicted)
        shape = (int(self.groups.max()) + 1, n_models, self.n_classes, self.n_classes)
        counts = np.zeros(shape, np.int64)
        for model, predicted in enumerate(self.predicted):
            np.add.at(counts[:, model], (self.groups, self.labels, predicted), 1)
        return counts

    def n_dialogues(self, rows: NDArray[np.bool_]) -> int:
        """Count the dialogues that these utterances are of."""
        return len(np.unique(self.groups[rows]))


@dataclass(frozen=True)
class Component:
    """A part of a score.

    Attributes:
        weight: What the score changes by if the part changes by 1.
        estimate: Its value.
        exact: Reach of its exact interval.
        resampled: Its value in each resample `(R,)`.
        n_dialogues: Of the utterances that decide it.
    """

    weight: float
    estimate: float
    exact: Reach
    resampled: NDArray[np.float64]
    n_dialogues: int


@dataclass(frozen=True)
class ExactParts:
    """How a score splits into parts that each have an exact interval.

    Attributes:
        of_score: The parts of one model's score.
        of_gain: The parts of the difference of two models' scores.
        reach: Reach of the exact interval around a score that no counts are of, such as a mean
            over models: as if the parts were equal, of as many utterances.
        n_counted: How often an error counts: 2 where a false alarm of one class is a miss of
            another, and both lower the score.
    """

    of_score: Callable[[Answers, Tally, float], Iterator[Component]]
    of_gain: Callable[[Answers, Tally, float], Iterator[Component]]
    reach: Callable[[float, Labels, float], Reach]
    n_counted: int = 1

    def components(self, answers: Answers, tally_R: Tally, level: float) -> list[Component]:
        """Return the parts of a score of one model, or of a difference of two.

        Args:
            answers: At least one utterance.
            tally_R: Resampled confusion matrices `(R, models, n_classes, n_classes)`.
            level: Of the exact intervals.
        """
        if len(answers.predicted) == 2:
            return [*self.of_gain(answers, tally_R, level)]
        return [*self.of_score(answers, tally_R[:, 0], level)]


#: Labels and some classes `(k,)` → the weight of each class in the score.
ClassWeights = Callable[[Labels, NDArray[np.int64]], NDArray[np.float64]]


def _equal_weights(_labels: Labels, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.full(len(classes), 1 / len(classes))


def _weights_by_support(labels: Labels, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray((labels[:, None] == classes).mean(0))


def _accuracy(answers: Answers, tally_R: Tally, level: float) -> Iterator[Component]:
    is_right = answers.labels == answers.predicted[0]
    n_right, n, everything = int(is_right.sum()), len(is_right), np.ones(len(is_right), np.bool_)
    exact = share_reach(n_right, n, level)
    yield Component(1.0, n_right / n, exact, accuracies(tally_R), answers.n_dialogues(everything))


def _recalls(answers: Answers, tally_R: Tally, level: float) -> Iterator[Component]:
    classes, recalls_RC = np.unique(answers.labels), recall_by_class(tally_R)
    for label in classes:
        is_true = answers.labels == label
        n_right, n = int((answers.predicted[0][is_true] == label).sum()), int(is_true.sum())
        exact = share_reach(n_right, n, level)
        yield Component(
            1 / len(classes), n_right / n, exact, recalls_RC[:, label], answers.n_dialogues(is_true)
        )


def _f1s(
    answers: Answers, tally_R: Tally, level: float, weights: ClassWeights
) -> Iterator[Component]:
    labels, predicted = answers.labels, answers.predicted[0]
    classes, f1s_RC = np.union1d(labels, predicted), f1_by_class(tally_R)
    for label, weight in zip(classes, weights(labels, classes).tolist(), strict=True):
        if weight == 0:
            continue
        is_either = (labels == label) | (predicted == label)
        n_hits, n = int((labels == predicted)[is_either & (labels == label)].sum()), is_either.sum()
        estimate, exact = 2 * n_hits / (n_hits + n), f1_reach(n_hits, int(n), level)
        n_dialogues = answers.n_dialogues(is_either)
        yield Component(weight, estimate, exact, f1s_RC[:, label], n_dialogues)


def _gain(
    answers: Answers,
    rows: NDArray[np.bool_],
    better: NDArray[np.bool_],
    worse: NDArray[np.bool_],
    weight: float,
    resampled: NDArray[np.float64],
    level: float,
) -> Component:
    """Return a difference of shares of some utterances, by the better and the worse ones."""
    n_better, n_worse = int((better & rows).sum()), int((worse & rows).sum())
    n = int(rows.sum())
    return Component(
        weight,
        (n_better - n_worse) / n,
        gain_reach(n_better, n_worse, n, level),
        resampled,
        answers.n_dialogues(rows),
    )


def _accuracy_gain(answers: Answers, tally_R: Tally, level: float) -> Iterator[Component]:
    first, second = answers.predicted == answers.labels
    accuracies_RM = accuracies(tally_R)
    resampled = accuracies_RM[:, 0] - accuracies_RM[:, 1]
    rows = np.ones(len(first), np.bool_)
    yield _gain(answers, rows, first & ~second, second & ~first, 1.0, resampled, level)


def _recall_gains(answers: Answers, tally_R: Tally, level: float) -> Iterator[Component]:
    first, second = answers.predicted == answers.labels
    classes, recalls_RMC = np.unique(answers.labels), recall_by_class(tally_R)
    for label in classes:
        resampled = recalls_RMC[:, 0, label] - recalls_RMC[:, 1, label]
        rows, weight = answers.labels == label, 1 / len(classes)
        yield _gain(answers, rows, first & ~second, second & ~first, weight, resampled, level)


def _f1_gains(
    answers: Answers, tally_R: Tally, level: float, weights: ClassWeights
) -> Iterator[Component]:
    """Yield of each class the gain in hits, and that by fewer false alarms.

    With F the mean of both models' F1 and D that of both denominators (labels and predictions of
    the class), the difference in F1 is ((2 - F) * gain in hits + F * fewer false alarms) / D.
    """
    labels, (first, second) = answers.labels, answers.predicted
    classes = np.unique(labels)
    for label, class_weight in zip(classes, weights(labels, classes).tolist(), strict=True):
        is_true = labels == label
        n_hits = [((predicted == label) & is_true).sum() for predicted in (first, second)]
        denominators = [is_true.sum() + (predicted == label).sum() for predicted in (first, second)]
        f1 = float(np.mean(2 * np.array(n_hits) / np.array(denominators)))
        scale = class_weight / float(np.mean(denominators))
        by_first, by_second = (
            (first == label) & (second != label),
            (second == label) & (first != label),
        )
        called_RM = tally_R[..., label].sum(-1)
        hits_RM = tally_R[:, :, label, label]
        true_R = tally_R[:, 0, label].sum(-1)
        yield _gain(
            answers, is_true, by_first, by_second, (2 - f1) * int(is_true.sum()) * scale,
            (hits_RM[:, 0] - hits_RM[:, 1]) / true_R, level,
        )  # fmt: skip
        if is_true.all():
            continue
        false_RM = called_RM - hits_RM
        false_share_R = (false_RM[:, 1] - false_RM[:, 0]) / (tally_R[:, 0].sum((1, 2)) - true_R)
        yield _gain(
            answers, ~is_true, by_second, by_first, f1 * int((~is_true).sum()) * scale,
            false_share_R, level,
        )  # fmt: skip


def _accuracy_reach(value: float, labels: Labels, level: float) -> Reach:
    return share_reach(round(len(labels) * value), len(labels), level)


def _recall_reach(value: float, labels: Labels, level: float) -> Reach:
    support_C = np.unique(labels, return_counts=True)[1].tolist()
    reaches = [share_reach(round(n * value), n, level) for n in support_C]
    return np.asarray(np.sqrt(np.square(reaches).sum(0)) / len(reaches))


def _f1_reach(value: float, labels: Labels, level: float, weights: ClassWeights) -> Reach:
    classes, support_C = np.unique(labels, return_counts=True)
    reaches = [
        weight * f1_reach(round(n * value), max(round(n * (2 - value)), 1), level)
        for n, weight in zip(support_C.tolist(), weights(labels, classes).tolist(), strict=True)
    ]
    return np.asarray(np.sqrt(np.square(reaches).sum(0)))


def _f1_parts(weights: ClassWeights) -> ExactParts:
    return ExactParts(
        partial(_f1s, weights=weights),
        partial(_f1_gains, weights=weights),
        partial(_f1_reach, weights=weights),
        n_counted=2,
    )


ACCURACY_PARTS = ExactParts(_accuracy, _accuracy_gain, _accuracy_reach)
UAR_PARTS = ExactParts(_recalls, _recall_gains, _recall_reach)
MACRO_F1_PARTS = _f1_parts(_equal_weights)
WEIGHTED_F1_PARTS = _f1_parts(_weights_by_support)
