"""What the winner of a search is worth: its best validation value, less what choosing added to it.

The best of many is partly the best by luck on these utterances. The correction repeats the choice
without training anything: a fifth of the dialogues is left out, the others choose the winner, and
those left out score it; then the next fifth, until every dialogue has been scored by a winner that
was chosen without it; and all of this over many divisions into fifths. Whatever was chosen on
validation data is chosen anew each time: the trial, and within each of its trainings the epoch.
It is cross-validation of the choice, repeated. Bags drawn with replacement (Tsamardinos, Greasidou
and Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
cross-validation", Machine Learning 107, 2018) choose on 63 % of the dialogues, and worse for it.
Every fifth has its share of each class: were most of the happy dialogues in one, the others would
choose a winner that is poor at happiness, to be judged by happiness.

With several folds, the speakers of each are new to the networks that it judges, and should be new
to the choice as well: the trial is then chosen on the other folds, and only the epoch, which is a
training's own, on what is left of the fold's dialogues. Folds with a common dialogue are one in
this: two speakers who talk to each other share scenes and what is felt in them.

The interval is centred on the corrected score. Its variance is that of the winner's score over
resampled dialogues, for others might have judged, and that of the corrected score from one
division to the next, for others might have chosen. With several sessions the variance between them,
by leaving each of them out of both, takes its place where that makes the interval wider (Student's
t): with other speakers in every session it includes theirs.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from emotion_hpo.metrics.divisions import balanced_divisions
from emotion_hpo.metrics.intervals import CHOICE, NO_WIDTH, Interval
from emotion_hpo.metrics.registry import Metric, find_metric
from emotion_hpo.metrics.scores import Labels
from emotion_hpo.metrics.sums import Sums, sum_by_group, value_of_sums

#: Parts of the dialogues, of which one is left out. With fewer the choice is made on too little;
#: with many more, two or three dialogues decide who wins, and the score varies more.
_PARTS = 5


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
        half: Half the width of its interval, before the ends are held to what a value can be.
        most: The most that a value can be: 1, or infinity for a loss.
        level: Coverage aimed at.
        n_trials: Among how many was chosen.
        n_folds: How many folds it was judged on.
        n_utterances: How many utterances these have.
        n_dialogues: How many dialogues.
    """

    winner: int
    plain: float
    value: float
    half: float
    most: float
    level: float
    n_trials: int
    n_folds: int
    n_utterances: int
    n_dialogues: int

    @property
    def interval(self) -> Interval:
        """The interval around the corrected value."""
        return self.around(self.value)

    def around(self, value: float) -> Interval:
        """Return an interval of this width around another value corrected for the same choice."""
        n, n_dialogues = self.n_utterances, self.n_dialogues
        if self.half < NO_WIDTH:  # of a loss: a score has an exact interval
            why = "all utterances have the same loss"
            return Interval.not_estimable(
                why, value, level=self.level, n_utterances=n, n_dialogues=n_dialogues
            )
        low, high = max(value - self.half, 0.0), min(value + self.half, self.most)
        return Interval(value, low, high, self.level, CHOICE, n, n_dialogues)


@dataclass(frozen=True)
class _FoldDraws:
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

    fold: Fold
    groups: NDArray[np.int64]
    n_dialogues: int
    n_smoothed: int
    left_out: Sums
    resampled: Sums

    @property
    def n_groups(self) -> int:
        return int(self.left_out.shape[1])


@dataclass(frozen=True)
class _RunScores:
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


def expected_score(
    folds: Mapping[str, Fold],
    trials: Sequence[Sequence[Run]],
    objective: str = "val/accuracy",
    *,
    n_smoothed: int = 1,
    level: float = 0.90,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Expected:
    """Correct the winner's validation value for the choice of trial and epoch.

    Args:
        folds: By name; those that share a dialogue are not independent.
        trials: The trainings of each trial that could have won, as many in each fold.
        objective: One of `metrics.OBJECTIVES`.
        n_smoothed: A training's value is the best mean over up to so many epochs.
        level: Coverage aimed at.
        n_resamples: How often dialogues are left out, and resampled for the interval.
        seed: Of both.
    """
    metric = find_metric(objective)
    parts = {
        name: _prepare_fold(fold, n_smoothed, n_resamples, seed + index)
        for index, (name, fold) in enumerate(folds.items())
    }
    looks = [[_score_run(parts[run.fold], run, metric) for run in runs] for runs in trials]
    # As a trial's own value is made, and exact: ties stay ties, whatever the order of the folds
    plain = [statistics.fmean(look.value for look in of_trial) for of_trial in looks]
    winner = int(np.argmax(plain))
    sessions = _number_sessions(folds)
    by_session: dict[int, list[float]] = {}
    by_division, judging = [], 0.0
    for name, part in parts.items():
        others = {other for other in parts if sessions[other] != sessions[name]}
        judges = others or {name}
        chosen_R = np.argmax([
            np.mean([
                look.best_on_kept
                for run, look in zip(runs, of_trial, strict=True) if run.fold in judges
            ], axis=0)
            for runs, of_trial in zip(trials, looks, strict=True)
        ], axis=0)  # fmt: skip
        judged_DK = _judge_by_others(name, part, trials, looks, chosen_R, metric)
        score = float(value_of_sums(metric, judged_DK.sum(0)))
        by_session.setdefault(sessions[name], []).append(score)
        by_division.append(value_of_sums(metric, judged_DK))
        judging += _variance_over_dialogues(name, part, trials[winner], looks[winner], metric)
    value, k = float(np.mean(np.concatenate([*by_session.values()]))), len(parts)
    n_dialogues = sum(part.n_dialogues for part in parts.values())
    choosing = float(np.nanvar(np.mean(by_division, axis=0)))
    half = _t(n_dialogues - k, level) * np.sqrt(judging / k**2 + choosing)
    if (n := len(by_session)) > 1:
        half = max(half, _t(n - 1, level) * np.sqrt(_jackknife(trials, looks, sessions)))
    labels = np.concatenate([fold.labels for fold in folds.values()])
    if metric.exact is not None:  # where each is right, or each is wrong, that is no certainty
        half = max(half, metric.exact.reach(value, labels, level).max())
    return Expected(
        winner=winner,
        plain=metric.sign * float(plain[winner]),
        value=value,
        half=float(half),
        most=metric.highest,
        level=level,
        n_trials=len(trials),
        n_folds=k,
        n_utterances=len(labels),
        n_dialogues=n_dialogues,
    )


def _jackknife(
    trials: Sequence[Sequence[Run]],
    looks: Sequence[Sequence[_RunScores]],
    sessions: Mapping[str, int],
) -> float:
    """Return the variance of the corrected score, leaving each session out of judging and choosing.

    Efron and Stein, "The jackknife estimate of variance", Annals of Statistics 9 (1981). The spread
    of the sessions' scores alone leaves out that others would have chosen another winner.
    """
    best_TS, judged_TS = (
        np.array([
            [
                np.mean([
                    getattr(look, name)
                    for run, look in zip(runs, of_trial, strict=True)
                    if sessions[run.fold] == session
                ])
                for session in sorted(set(sessions.values()))
            ]
            for runs, of_trial in zip(trials, looks, strict=True)
        ])
        for name in ("value", "judged")
    )  # fmt: skip

    def score(sessions_kept: list[int]) -> float:
        """Return the corrected score of some sessions: each by the winner of the others."""
        judges = {
            session: [other for other in sessions_kept if other != session] or sessions_kept
            for session in sessions_kept
        }
        winners = {
            session: best_TS[:, judges[session]].mean(1).argmax() for session in sessions_kept
        }
        return float(np.mean([judged_TS[winners[session], session] for session in sessions_kept]))

    n = best_TS.shape[1]
    scores = [
        score([session for session in range(n) if session != left_out]) for left_out in range(n)
    ]
    return float((n - 1) * np.var(scores))


def _number_sessions(folds: Mapping[str, Fold]) -> dict[str, int]:
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


def _t(freedom: int, level: float) -> float:
    """Return Student's t of a two-sided interval."""
    return float(stdtrit(max(freedom, 1), (1 + level) / 2))


def _prepare_fold(fold: Fold, n_smoothed: int, n_resamples: int, seed: int) -> _FoldDraws:
    """Divide a fold's dialogues into fifths, again and again."""
    groups = np.unique(fold.dialogues, return_inverse=True)[1]
    n_dialogues = int(groups.max()) + 1
    if n_dialogues < _PARTS:  # too few to divide: their utterances then
        groups = np.arange(len(groups))
    classes_GC = np.zeros((groups.max() + 1, fold.labels.max() + 1))
    np.add.at(classes_GC, (groups, fold.labels), 1)
    divisions_RG = balanced_divisions(classes_GC, _PARTS, -(-n_resamples // _PARTS), seed)
    left_out = [division == part for division in divisions_RG for part in range(_PARTS)]
    resampled = np.random.default_rng(seed).standard_exponential((n_resamples, len(classes_GC)))
    return _FoldDraws(
        fold, groups, n_dialogues, n_smoothed, np.array(left_out, np.float64), resampled
    )


def _score_run(part: _FoldDraws, run: Run, metric: Metric) -> _RunScores:
    """Return the best epoch of a training, on everything and on what each draw keeps."""
    sums_EGK = _sums(part, run.probabilities, metric)
    whole_E = metric.sign * value_of_sums(metric, sums_EGK.sum(1))
    kept_RE = metric.sign * value_of_sums(metric, _weighted(1 - part.left_out, sums_EGK))
    kept_RE = np.where(np.isnan(kept_RE), -np.inf, kept_RE)
    epochs_R = kept_RE.argmax(1)
    judged_RK = np.empty((len(epochs_R), sums_EGK.shape[2]))
    for epoch in np.unique(epochs_R):
        draws = epochs_R == epoch
        judged_RK[draws] = part.left_out[draws] @ sums_EGK[epoch]
    judged_D = value_of_sums(metric, judged_RK.reshape(-1, _PARTS, judged_RK.shape[1]).sum(1))
    return _RunScores(
        value=float(whole_E.max()),
        epoch=int(whole_E.argmax()),
        judged=float(np.nanmean(judged_D)),
        best_on_kept=kept_RE.max(1),
        epochs=epochs_R,
    )


def _judge_by_others(
    name: str,
    part: _FoldDraws,
    trials: Sequence[Sequence[Run]],
    looks: Sequence[Sequence[_RunScores]],
    chosen_R: NDArray[np.int64],
    metric: Metric,
) -> Sums:
    """Return sums of a fold in each division, each fifth by the winner of the others."""
    judged: Sums | None = None
    for trial in np.unique(chosen_R):
        draws = np.flatnonzero(chosen_R == trial)
        indices = [index for index, run in enumerate(trials[trial]) if run.fold == name]
        for index in indices:
            sums_EGK = _sums(part, trials[trial][index].probabilities, metric)
            if judged is None:
                judged = np.zeros((len(chosen_R), sums_EGK.shape[2]))
            for draw in draws:
                epoch = looks[trial][index].epochs[draw]
                judged[draw] += part.left_out[draw] @ sums_EGK[epoch] / len(indices)
    assert judged is not None, "every trial was trained on every fold"
    return np.asarray(judged.reshape(-1, _PARTS, judged.shape[1]).sum(1))


def _variance_over_dialogues(
    name: str, part: _FoldDraws, runs: Sequence[Run], looks: Sequence[_RunScores], metric: Metric
) -> float:
    """Return the variance of the winner's score on a fold over its resampled dialogues.

    Of n exponential weights the variance of a mean is n / (n + 1) of that of n drawn dialogues.
    """
    values = [
        value_of_sums(
            metric, part.resampled @ _sums(part, run.probabilities, metric)[look.epoch]
        )
        for run, look in zip(runs, looks, strict=True) if run.fold == name
    ]  # fmt: skip
    return float(np.var(np.mean(values, axis=0)) * (part.n_groups + 1) / part.n_groups)


def _sums(part: _FoldDraws, probabilities: NDArray[np.floating], metric: Metric) -> Sums:
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
