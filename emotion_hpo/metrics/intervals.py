"""Confidence intervals: one function for every interval of a score or of a difference of scores.

Dialogues are resampled, for utterances of one dialogue are not independent; and whatever the
resamples say, no interval of counts is narrower than the exact one of as many independent
utterances. A metric without exact parts, such as a loss, has the interval of the resamples alone.
The rule and its coverage stand in docs/statistics.md, the exact intervals in `exact`, the parts of
a score that have one in `components`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from emotion_hpo.metrics.components import Answers, Component
from emotion_hpo.metrics.confidence_interval import (
    BOTH,
    DIALOGUES,
    EXACT,
    NO_WIDTH,
    SESSIONS,
    Interval,
)
from emotion_hpo.metrics.exact import Reach
from emotion_hpo.metrics.registry import METRICS, Metric
from emotion_hpo.metrics.scores import Labels, Probabilities, predicted_classes
from emotion_hpo.metrics.sums import sum_by_group, value_of_sums


def interval(
    metric: str,
    labels: Labels,
    predicted: Labels | Probabilities,
    dialogues: Sequence[str],
    n_classes: int,
    *,
    less: Labels | Probabilities | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the interval of a score, or of the difference of two models' scores.

    The recall of a class is the accuracy on its utterances.

    Args:
        metric: Its name in the registry.
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)` or class probabilities `(n, n_classes)`, which a metric
            of probabilities needs.
        dialogues: The dialogue of each utterance `(n,)`.
        n_classes: Number of classes.
        less: The same of another model on these utterances; the interval is that of the difference
            then.
        level: Coverage aimed at.
        n_resamples: Number of resamples.
        seed: Of the resampling.
    """
    n = len(labels)
    if n == 0:
        return Interval.not_estimable("no utterance", level=level, n_utterances=0, n_dialogues=0)
    groups = np.unique(np.asarray(dialogues), return_inverse=True)[1]
    n_dialogues = int(groups.max()) + 1
    scored = METRICS[metric]
    models = [predicted] if less is None else [predicted, less]
    if scored.exact is not None:
        classes = np.array([predicted_classes(model) for model in models], np.int64)
        answers = Answers(labels, classes, groups, n_classes)
        estimate, reach, method = _with_exact_parts(scored, answers, level, n_resamples, seed)
    else:
        model_probabilities = [_as_probabilities(scored, model, n_classes) for model in models]
        probabilities_MNC = np.stack(model_probabilities)
        sums_MGK = sum_by_group(scored, labels, probabilities_MNC, groups, n_dialogues)
        estimate, reach = _by_dialogues(scored, sums_MGK, level, n_resamples, seed)
        method = DIALOGUES
        if reach.sum() < NO_WIDTH:
            reason = "all dialogues agree" if n_dialogues > 1 else "a single dialogue has no spread"
            return Interval.not_estimable(
                reason, estimate, level=level, n_utterances=n, n_dialogues=n_dialogues
            )
    return Interval(
        estimate,
        max(estimate - float(reach[0]), 0.0 if less is None else -scored.highest),
        min(estimate + float(reach[1]), scored.highest),
        level,
        method,
        n,
        n_dialogues,
    )


def _with_exact_parts(
    metric: Metric, answers: Answers, level: float, n_resamples: int, seed: int
) -> tuple[float, Reach, str]:
    """Return estimate, reach and method of a score of counts, or of a difference of two."""
    assert metric.from_counts is not None, "exact parts are of counts"
    assert metric.exact is not None, "the caller looked"
    counts_GM = answers.tally_by_dialogue()
    tally_RM = _resampled(counts_GM, n_resamples, seed)
    estimate = _less(metric.from_counts(counts_GM.sum(0)))
    values_R = _less(metric.from_counts(tally_RM))
    parts = metric.exact.components(answers, tally_RM, level)
    by_dialogue = _reach(values_R, float(estimate), len(counts_GM), level)
    exact = np.sqrt(sum((part.weight * part.exact) ** 2 for part in parts))
    lacking = sum(_lacking(part, len(counts_GM), level) for part in parts)
    reach = np.maximum(np.sqrt(by_dialogue**2 + metric.exact.n_counted * lacking), exact)
    return float(estimate), reach, _method(reach, by_dialogue, exact)


def _by_dialogues(
    metric: Metric, sums_MGK: NDArray[np.float64], level: float, n_resamples: int, seed: int
) -> tuple[float, Reach]:
    """Return estimate and reach of resampled dialogues alone, of sums `(models, dialogues, …)`."""
    n_dialogues = sums_MGK.shape[1]
    weights_RG = np.random.default_rng(seed).standard_exponential((n_resamples, n_dialogues))
    values_RM = value_of_sums(metric, np.tensordot(weights_RG, sums_MGK, (1, 1)))
    estimate = float(_less(value_of_sums(metric, sums_MGK.sum(1))))
    return estimate, _reach(_less(values_RM), estimate, n_dialogues, level)


def _less(values_M: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of a single model, or the first model's less the second's, `(…, models)`."""
    of_first: NDArray[np.float64] = values_M[..., 0]
    return of_first if values_M.shape[-1] == 1 else of_first - values_M[..., 1]


def _as_probabilities(
    metric: Metric, predicted: Labels | Probabilities, n_classes: int
) -> NDArray[np.float64]:
    """Return class probabilities as they are, predicted classes as certainties."""
    if predicted.ndim == 2:
        return predicted.astype(np.float64)
    if metric.needs_probabilities:
        raise ValueError(f"{metric.name} needs class probabilities, but got predicted classes")
    return np.eye(n_classes)[predicted]


def _resampled(counts_GM: NDArray[np.int64], n: int, seed: int) -> NDArray[np.float64]:
    """Return sums of the dialogues' counts by random weights, `(n, models, n_classes, n_classes)`.

    Each dialogue's weight is exponential (Rubin, "The Bayesian bootstrap", Annals of Statistics 9,
    1981), not a count that may be 0: so no resample lacks a class. Dialogues with the same counts
    are summed up, by the gamma distribution of a sum of exponential weights.
    """
    flat_GK = counts_GM.reshape(len(counts_GM), -1)
    rows_UK, times_U = np.unique(flat_GK, axis=0, return_counts=True)
    weights_RU = np.random.default_rng(seed).standard_gamma(times_U, (n, len(times_U)))
    return (weights_RU @ rows_UK).reshape(n, *counts_GM.shape[1:])


def _reach(values_R: NDArray[np.float64], estimate: float, n_dialogues: int, level: float) -> Reach:
    """Return how far the resamples reach from the estimate, at tails that few dialogues widen.

    Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69
    (2015), doi:10.1080/00031305.2015.1089789: a bootstrap distribution is too narrow by the factor
    of a variance that divides by n instead of n - 1, and by that of Student's t over the normal
    distribution; taking its quantiles further out makes up for both. Of a single dialogue it says
    nothing.
    """
    if n_dialogues < 2:
        return np.zeros(2)
    # Of n exponential weights the variance of a mean is n / (n + 1) of that of n drawn dialogues.
    narrow = np.sqrt((n_dialogues + 1) / (n_dialogues - 1))
    tail = float(ndtr(-narrow * stdtrit(n_dialogues - 1, (1 + level) / 2)))
    low, high = np.quantile(values_R, [tail, 1 - tail])
    return np.array([max(estimate - low, 0.0), max(high - estimate, 0.0)])


def _lacking(part: Component, n_dialogues: int, level: float) -> Reach:
    """Return the square of the reach that a part has by itself and the whole's resamples lack."""
    shown = _reach(part.resampled, part.estimate, n_dialogues, level)
    own = np.maximum(_reach(part.resampled, part.estimate, part.n_dialogues, level), part.exact)
    return np.asarray(part.weight**2 * np.maximum(own**2 - shown**2, 0.0))


def _method(reach: Reach, by_dialogue: Reach, exact: Reach) -> str:
    """Return which of two reaches decides the interval, or that both do."""
    if np.allclose(reach, by_dialogue, rtol=1e-9, atol=0):
        return DIALOGUES
    return EXACT if np.allclose(reach, exact, rtol=1e-9, atol=1e-12) else BOTH


def fold_interval(
    values: Sequence[float],
    n_train: int,
    n_test: int,
    *,
    level: float = 0.95,
    least: float = 0.0,
) -> Interval:
    """Return the interval of a mean, or a paired difference, over folds that share training data.

    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52 (2003),
    doi:10.1023/A:1024068626366: folds that share training data are correlated, so the variance of
    their mean is not `1/k` of theirs but `1/k + n_test/n_train` of it.

    Args:
        values: One a fold.
        n_train: Utterances that a fold trains on, on average.
        n_test: Utterances that a fold is judged on, on average.
        level: Coverage aimed at.
        least: The least value there can be: 0 for a score, -1 for a difference; the most is 1.

    Returns:
        Not estimable for folds whose spread nobody knows: a single one, or all alike.
    """
    k, mean = len(values), float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if k > 1 else 0.0
    if spread < 1e-12:
        why = "a single session has no spread" if k < 2 else "all sessions have the same figure"
        return Interval.not_estimable(why, mean, level=level)
    half = float(stdtrit(k - 1, (1 + level) / 2)) * spread * np.sqrt(1 / k + n_test / n_train)
    return Interval(
        mean, max(mean - float(half), least), min(mean + float(half), 1.0), level, SESSIONS
    )
