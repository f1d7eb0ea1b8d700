"""What repeating a choice on parts of the dialogues works with: folds, draws, scored trainings.

A fold's dialogues are divided into fifths, again and again; each fifth is left out once, and the
others are kept. `winner` chooses a trial on what is kept, `ensemble_score` an ensemble; both judge
it on what is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.divisions import balanced_divisions
from emotion_hpo.metrics.registry import Metric
from emotion_hpo.metrics.scores import Labels
from emotion_hpo.metrics.sums import Sums, sum_by_group, value_of_sums

#: Parts of the dialogues, of which one is left out. With fewer the choice is made on too little;
#: with many more, two or three dialogues decide who wins, and the score varies more.
N_PARTS = 5


@dataclass(frozen=True)
class ValidationLabels:
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
class FoldDraws:
    """A fold as the choice is repeated on it.

    Attributes:
        fold: The fold.
        groups: The dialogue of each utterance, as a number.
        n_dialogues: How many there are; of fewer than five the groups are utterances.
        n_smoothed: Over how many epochs a value is the mean.
        left_out: 1 where a draw leaves a dialogue out, `(draws, dialogues)`; five draws after each
            other are a division.
        resampled: Weight of each dialogue in each resample, `(resamples, dialogues)`; never 0, so
            that none lacks a class.
    """

    fold: ValidationLabels
    groups: NDArray[np.int64]
    n_dialogues: int
    n_smoothed: int
    left_out: Sums
    resampled: Sums

    @property
    def n_groups(self) -> int:
        """What is left out together: dialogues, or utterances."""
        return int(self.left_out.shape[1])


@dataclass(frozen=True)
class RunScores:
    """What a training's answers come to, by the objective with the sign that makes more better.

    Attributes:
        value: At the best epoch on everything.
        epoch: That epoch, from 0.
        judged: Without the sign: of each draw's best epoch on what it leaves out.
        best_on_kept: Value of the best epoch on what each draw keeps, `(draws,)`.
        epochs: That epoch, `(draws,)`.
    """

    value: float
    epoch: int
    judged: float
    best_on_kept: Sums
    epochs: NDArray[np.int64]


def number_sessions(folds: Mapping[str, ValidationLabels]) -> dict[str, int]:
    """Number the folds so that those with a common dialogue, as of two speakers, share a number.

    Where all of them are joined so, no fold is apart from another, and each counts by itself.
    """
    number = {name: index for index, name in enumerate(folds)}
    spoken = {name: set(fold.dialogues) for name, fold in folds.items()}
    for first in folds:
        for other in folds:
            if spoken[first] & spoken[other]:
                old, new = number[other], number[first]
                number = {name: new if at == old else at for name, at in number.items()}
    return number if len(set(number.values())) > 1 else {name: i for i, name in enumerate(folds)}


def prepare_folds(
    folds: Mapping[str, ValidationLabels],
    n_smoothed: int,
    n_divisions: int,
    n_resamples: int,
    seed: int,
) -> dict[str, FoldDraws]:
    """Return each fold with its draws, by its name."""
    return {
        name: _prepare_fold(fold, n_smoothed, n_divisions, n_resamples, seed + index)
        for index, (name, fold) in enumerate(folds.items())
    }


def _prepare_fold(
    fold: ValidationLabels, n_smoothed: int, n_divisions: int, n_resamples: int, seed: int
) -> FoldDraws:
    """Divide a fold's dialogues into fifths, again and again."""
    groups = np.unique(fold.dialogues, return_inverse=True)[1]
    n_dialogues = int(groups.max()) + 1
    if n_dialogues < N_PARTS:  # too few to divide: their utterances then
        groups = np.arange(len(groups))
    classes_GC = np.zeros((groups.max() + 1, fold.labels.max() + 1))
    np.add.at(classes_GC, (groups, fold.labels), 1)
    divisions_RG = balanced_divisions(classes_GC, N_PARTS, n_divisions, seed)
    left_out = [division == part for division in divisions_RG for part in range(N_PARTS)]
    resampled = np.random.default_rng(seed).standard_exponential((n_resamples, len(classes_GC)))
    return FoldDraws(
        fold, groups, n_dialogues, n_smoothed, np.array(left_out, np.float64), resampled
    )


def score_run(part: FoldDraws, run: Run, metric: Metric) -> RunScores:
    """Return the best epoch of a training, on everything and on what each draw keeps."""
    sums_EGK = epoch_sums(part, run.probabilities, metric)
    whole_E = metric.sign * value_of_sums(metric, sums_EGK.sum(1))
    kept_RE = metric.sign * value_of_sums(metric, _weighted(1 - part.left_out, sums_EGK))
    kept_RE = np.where(np.isnan(kept_RE), -np.inf, kept_RE)
    epochs_R = kept_RE.argmax(1)
    judged_RK = np.empty((len(epochs_R), sums_EGK.shape[2]))
    for epoch in np.unique(epochs_R):
        draws = epochs_R == epoch
        judged_RK[draws] = part.left_out[draws] @ sums_EGK[epoch]
    judged_D = value_of_sums(metric, judged_RK.reshape(-1, N_PARTS, judged_RK.shape[1]).sum(1))
    return RunScores(
        value=float(whole_E.max()),
        epoch=int(whole_E.argmax()),
        judged=float(np.nanmean(judged_D)),
        best_on_kept=kept_RE.max(1),
        epochs=epochs_R,
    )


def epoch_sums(part: FoldDraws, probabilities: NDArray[np.floating], metric: Metric) -> Sums:
    """Return what the metric needs of each epoch and dialogue, `(epochs, dialogues, …)`: additive.

    Smoothed, an epoch has the mean of its own and those before it. Labels are the same in all, so
    that the metric of a mean is the mean of the metrics; of F1 it is so but nearly.
    """
    sums_EGK = sum_by_group(metric, part.fold.labels, probabilities, part.groups, part.n_groups)
    windows = [slice(max(end - part.n_smoothed, 0), end) for end in range(1, len(sums_EGK) + 1)]
    return np.stack([sums_EGK[window].mean(0) for window in windows])


def _weighted(weights_RG: NDArray[Any], sums_EGK: Sums) -> Sums:
    """Return the sums over dialogues by weights, `(R, E, K)`."""
    n_epochs, n_groups, width = sums_EGK.shape
    flat = sums_EGK.transpose(1, 0, 2).reshape(n_groups, n_epochs * width)
    return np.asarray((weights_RG @ flat).reshape(len(weights_RG), n_epochs, width))
