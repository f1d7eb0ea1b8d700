"""What the winner of a search is worth: its best validation value, less what choosing added to it.

The best of many is partly the best by luck on these utterances. The correction repeats the choice
without training anything: dialogues are drawn into a bag that chooses the winner, those left out
score it, and the scores are averaged. Whatever was chosen on validation data is chosen anew in
every bag: the trial, and within each of its trainings the epoch. This is the bootstrap bias
correction of Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions
for efficient and accurate cross-validation", Machine Learning 107 (2018), but with twice as many
draws a bag as there are dialogues: it then holds 86 % of them instead of 63 %, and chooses less
badly than the whole data do (`benchmarks/honesty.py`).

The interval is centred on the corrected score. Its width is that of the winner's score over
resampled dialogues and of the scores among the winners that other bags choose; or, where there are
several folds and that is wider, of the winner's scores over the folds: with other speakers in every
fold it includes their spread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from emotion_hpo.metrics.intervals import resamples
from emotion_hpo.metrics.scores import Labels

Sums = NDArray[np.float64]

#: Draws a bag for each dialogue: one leaves 37 % of the dialogues out, two 14 %, three 5 %.
_DRAWS = 2


@dataclass(frozen=True)
class Fold:
    """The validation part of one fold.

    Attributes:
        labels: True classes `(n,)`.
        dialogues: The dialogue of each utterance.
    """

    labels: Labels
    dialogues: Sequence[str]


@dataclass(frozen=True)
class Run:
    """One training of a trial: one fold, one seed.

    Attributes:
        fold: Name of the fold.
        probabilities: After each epoch that may be chosen, `(epochs, n, classes)`.
    """

    fold: str
    probabilities: NDArray[np.floating]


@dataclass(frozen=True)
class Expected:
    """What the winner of a search is worth on new utterances.

    Attributes:
        winner: Index of the trial that the whole validation data choose.
        plain: Its value there, which is too good.
        value: The same, corrected.
        low: Lower end of the interval.
        high: Upper end.
        n_trials: Among how many was chosen.
        n_folds: How many folds it was judged on.
        n_dialogues: How many dialogues these have.
    """

    winner: int
    plain: float
    value: float
    low: float
    high: float
    n_trials: int
    n_folds: int
    n_dialogues: int


def expected_score(
    folds: Mapping[str, Fold],
    trials: Sequence[Sequence[Run]],
    objective: str = "val/accuracy",
    *,
    level: float = 0.90,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Expected:
    """Correct the winner's validation value for the choice of trial and epoch.

    Args:
        folds: By name; their dialogues differ.
        trials: The trainings of each trial that could have won.
        objective: `val/accuracy`, `val/uar`, `val/macro_f1` or `val/loss`.
        level: Coverage aimed at.
        n_resamples: Number of resamples.
        seed: Of the resampling.
    """
    sign = -1.0 if objective.endswith("loss") else 1.0
    groups = {
        name: np.unique(fold.dialogues, return_inverse=True)[1] for name, fold in folds.items()
    }
    sizes = {name: int(one.max()) + 1 for name, one in groups.items()}
    in_bag = {
        name: _bags(size, n_resamples, seed + index)
        for index, (name, size) in enumerate(sizes.items())
    }
    left_out = {name: (weights == 0).astype(np.float64) for name, weights in in_bag.items()}
    plain, chosen, scored = [], [], []
    for runs in trials:
        values = [np.empty(0)] * len(runs), [np.empty(0)] * len(runs), [np.empty(0)] * len(runs)
        for index, run in enumerate(runs):
            sums = _sums(folds[run.fold], groups[run.fold], run.probabilities, objective)
            here = [
                sign * _value(_weighted(weights, sums), objective)
                for weights in (np.ones((1, sizes[run.fold])), in_bag[run.fold], left_out[run.fold])
            ]
            best = np.argmax(np.where(np.isnan(here[1]), -np.inf, here[1]), axis=1)
            values[0][index] = here[0].max(1)
            values[1][index] = np.take_along_axis(here[1], best[:, None], 1)[:, 0]
            values[2][index] = np.take_along_axis(here[2], best[:, None], 1)[:, 0]
        plain.append(np.mean([one[0] for one in values[0]]))
        chosen.append(np.mean(values[1], axis=0))
        scored.append(np.mean(values[2], axis=0))
    winner = int(np.argmax(plain))
    first_R = np.argmax(np.where(np.isnan(chosen), -np.inf, chosen), axis=0)
    corrected = float(np.nanmean(np.array(scored)[first_R, np.arange(n_resamples)]))
    bootstrap = {
        name: resamples(size, n_resamples, seed + index).astype(np.float64)
        for index, (name, size) in enumerate(sizes.items())
    }
    among = _among_winners(np.array(scored), first_R)
    half = _half_width(folds, groups, bootstrap, trials[winner], objective, level, among)
    ends = sorted((sign * (corrected - half), sign * (corrected + half)))
    return Expected(
        winner=winner,
        plain=sign * float(plain[winner]),
        value=sign * corrected,
        low=ends[0],
        high=ends[1],
        n_trials=len(trials),
        n_folds=len(folds),
        n_dialogues=sum(sizes.values()),
    )


def _bags(n_dialogues: int, n_resamples: int, seed: int) -> Sums:
    """How often each dialogue is in each bag, `(R, G)`; one is left out at least."""
    generator = np.random.default_rng(seed)
    even = np.full(n_dialogues, 1 / n_dialogues)
    weights = generator.multinomial(_DRAWS * n_dialogues, even, n_resamples).astype(np.float64)
    full = np.flatnonzero((weights > 0).all(1))
    weights[full, generator.integers(n_dialogues, size=len(full))] = 0
    return weights


def _among_winners(scored_TR: Sums, first_R: NDArray[np.int64]) -> float:
    """Variance between the trials that bags choose, of their mean scores, by how often."""
    chosen, n_bags = np.unique(first_R, return_counts=True)
    means = [float(np.nanmean(scored_TR[one, first_R == one])) for one in chosen]
    known = np.isfinite(means)
    if not known.any():
        return 0.0
    weights, values = n_bags[known] / n_bags[known].sum(), np.array(means)[known]
    return float(weights @ (values - weights @ values) ** 2)


def _half_width(
    folds: Mapping[str, Fold],
    groups: Mapping[str, NDArray[np.int64]],
    in_bag: Mapping[str, Sums],
    runs: Sequence[Run],
    objective: str,
    level: float,
    among: float,
) -> float:
    """Of the winner's interval: over dialogues, or over folds where that is wider."""
    sign = -1.0 if objective.endswith("loss") else 1.0
    by_fold: dict[str, list[float]] = {}
    spread: dict[str, list[Sums]] = {}
    for run in runs:
        sums = _sums(folds[run.fold], groups[run.fold], run.probabilities, objective)
        every = np.ones((1, sums.shape[1]))
        values = sign * _value(_weighted(every, sums), objective)[0]
        best = int(np.argmax(values))
        resampled = _value(_weighted(in_bag[run.fold], sums[best : best + 1]), objective)[:, 0]
        by_fold.setdefault(run.fold, []).append(float(values[best]))
        spread.setdefault(run.fold, []).append(resampled)
    k = len(by_fold)
    within = sum(float(np.nanvar(np.mean(one, axis=0))) for one in spread.values()) / k**2
    n_dialogues = sum(one.shape[1] for one in in_bag.values())
    half = float(stdtrit(max(n_dialogues - k, 1), (1 + level) / 2) * np.sqrt(within + among))
    if k > 1:
        means = [float(np.mean(one)) for one in by_fold.values()]
        between = float(np.var(means, ddof=1)) / k
        half = max(half, float(stdtrit(k - 1, (1 + level) / 2) * np.sqrt(between)))
    return half


def _sums(
    fold: Fold, groups: NDArray[np.int64], probabilities: NDArray[np.floating], objective: str
) -> Sums:
    """What the objective needs of each epoch and dialogue, `(epochs, dialogues, …)`: additive."""
    n_epochs, n, n_classes = probabilities.shape
    epoch = np.repeat(np.arange(n_epochs), n)
    group, label = np.tile(groups, n_epochs), np.tile(fold.labels, n_epochs)
    n_groups = int(groups.max()) + 1
    if objective.endswith("loss"):
        own = probabilities[epoch, np.tile(np.arange(n), n_epochs), label].astype(np.float64)
        sums = np.zeros((n_epochs, n_groups, 2))
        losses = -np.log(np.maximum(own, np.finfo(np.float32).tiny))
        np.add.at(sums, (epoch, group), np.stack([losses, np.ones(len(own))], axis=1))
        return sums
    flat = ((epoch * n_groups + group) * n_classes + label) * n_classes
    flat += probabilities.argmax(2).ravel()
    counts = np.bincount(flat, minlength=n_epochs * n_groups * n_classes**2)
    return counts.reshape(n_epochs, n_groups, n_classes**2).astype(np.float64)


def _weighted(weights_RG: Sums, sums_EGK: Sums) -> Sums:
    """The sums over dialogues by weights, `(R, E, K)`."""
    n_epochs, n_groups, width = sums_EGK.shape
    flat = sums_EGK.transpose(1, 0, 2).reshape(n_groups, n_epochs * width)
    return (weights_RG @ flat).reshape(len(weights_RG), n_epochs, width)


def _value(sums_REK: Sums, objective: str) -> Sums:
    """The objective of summed dialogues, `(R, E)`; NaN where there is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if objective.endswith("loss"):
            return np.asarray(sums_REK[..., 0] / sums_REK[..., 1])
        n_classes = round(sums_REK.shape[-1] ** 0.5)
        counts = sums_REK.reshape(*sums_REK.shape[:-1], n_classes, n_classes)
        right = np.diagonal(counts, axis1=-2, axis2=-1)
        match objective.removeprefix("val/"):
            case "accuracy":
                return np.asarray(right.sum(-1) / counts.sum((-2, -1)))
            case "uar":
                return _mean_of(right / counts.sum(-1))
            case _:
                return _mean_of(2 * right / (counts.sum(-1) + counts.sum(-2)))


def _mean_of(by_class: Sums) -> Sums:
    """The mean over the classes that occur."""
    known = np.isfinite(by_class)
    n = known.sum(-1)
    total = np.where(known, by_class, 0).sum(-1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
