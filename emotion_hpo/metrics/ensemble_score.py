"""What the greedy ensemble of a search is worth: its value, less what choosing it added.

The whole choice is repeated, as `winner` repeats the winner's: the epoch of every training, the
greedy selection with its weights and the cap on members are made anew on the dialogues that a draw
keeps, and the ensemble that comes out is judged on those that it leaves out. With several sessions
the members are chosen on the other sessions, for the speakers of each are to be new to the choice,
and only the epochs on what is kept of the session itself. The interval is made as the winner's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.combination import Probabilities, greedy_selection, heaviest
from emotion_hpo.metrics.corrected_score import CorrectedScore, Scored
from emotion_hpo.metrics.registry import Metric, find_metric
from emotion_hpo.metrics.repeated_choice import (
    N_PARTS,
    FoldDraws,
    Run,
    RunScores,
    ValidationLabels,
    number_sessions,
    prepare_folds,
    score_run,
)
from emotion_hpo.metrics.sums import Sums, sum_by_group, value_of_sums

#: Each is five choices of an ensemble, which take longer than those of a trial. The corrected score
#: varies by less than 0.2 points from one such set of divisions to the next.
_N_DIVISIONS = 20

#: With more sessions, leaving one out of choosing as well changes next to nothing but the time.
_MOST_CHOSEN_ANEW = 10

Weights = NDArray[np.float64]


def correct_ensemble_score(
    folds: Mapping[str, ValidationLabels],
    trials: Sequence[Sequence[Run]],
    weights_M: Weights,
    objective: str = "val/accuracy",
    *,
    n_members: int = 5,
    n_smoothed: int = 1,
    level: float = 0.90,
    n_resamples: int = 1000,
    seed: int = 0,
) -> CorrectedScore:
    """Correct an ensemble's validation value for the choice of its members, weights and epochs.

    Args:
        folds: By name; those that share a dialogue are not independent.
        trials: The trainings of each trial that could be a member, the best trial first.
        weights_M: Of each trial in the ensemble that was chosen on all of the folds.
        objective: One of `metrics.OBJECTIVES`.
        n_members: At most so many are members.
        n_smoothed: A training's epoch is chosen by the best mean over up to so many epochs.
        level: Coverage aimed at.
        n_resamples: How often dialogues are resampled for the interval.
        seed: Of divisions and resamples.

    Returns:
        With the heaviest member as `winner`, and the mean over the folds as the value.
    """
    metric = find_metric(objective)
    parts = prepare_folds(folds, n_smoothed, _N_DIVISIONS, n_resamples, seed)
    repeated = _Repeated(parts, trials, metric, n_members)
    sessions = sorted(set(repeated.sessions.values()))
    judged = {
        name: repeated.judge_by_others(name, sessions)
        if len(sessions) > 1
        else repeated.judge_by_kept(name)
        for name in parts
    }
    answers = {name: repeated.combined(name, weights_M, repeated.best) for name in parts}
    sums = {name: repeated.sums(name, answers[name]) for name in parts}
    values = [float(value_of_sums(metric, sums_GK.sum(0))) for sums_GK in sums.values()]
    scored = Scored(
        winner=int(weights_M.argmax()),
        plain=float(np.mean(values)),
        scores=np.array([_score(metric, judged_DK) for judged_DK in judged.values()]),
        by_division=np.mean([value_of_sums(metric, each) for each in judged.values()], axis=0),
        judging=sum(
            float(np.var(value_of_sums(metric, part.resampled @ sums[name])))
            * (part.n_groups + 1)
            / part.n_groups
            for name, part in parts.items()
        ),
        jackknife=_jackknife(repeated, sessions) if len(sessions) > 1 else None,
        n_sessions=len(sessions),
    )
    return scored.expected(metric, parts.values(), level, len(trials))


def _score(metric: Metric, judged_DK: Sums) -> float:
    return float(value_of_sums(metric, judged_DK.sum(0)))


def _jackknife(repeated: "_Repeated", sessions: Sequence[int]) -> float:
    """Return the variance of the corrected score, leaving each session out of judging and choosing.

    As `winner` does: Efron and Stein, Annals of Statistics 9 (1981).
    """
    scores = []
    for left_out in sessions:
        remaining = [session for session in sessions if session != left_out]
        judges = remaining if len(sessions) <= _MOST_CHOSEN_ANEW else sessions
        by_fold = [
            _score(repeated.metric, repeated.judge_by_others(name, judges))
            for name, session in repeated.sessions.items()
            if session != left_out
        ]
        scores.append(float(np.mean(by_fold)))
    return float((len(sessions) - 1) * np.var(scores))


@dataclass(frozen=True)
class _Repeated:
    """The choice of an ensemble, repeated.

    Attributes:
        parts: The folds by name, with their draws.
        trials: The trainings of each trial.
        metric: What is chosen and judged by.
        n_members: At most so many are members.
        chosen: Sessions → the weights that were chosen on them, so that none are chosen twice.
    """

    parts: Mapping[str, FoldDraws]
    trials: Sequence[Sequence[Run]]
    metric: Metric
    n_members: int
    chosen: dict[tuple[int, ...], Weights] = field(default_factory=dict)

    @cached_property
    def sessions(self) -> dict[str, int]:
        """Fold → its session's number."""
        return number_sessions({name: part.fold for name, part in self.parts.items()})

    @cached_property
    def looks(self) -> list[list[RunScores]]:
        """Which epochs of each training are best, on everything and on what each draw keeps."""
        return [
            [score_run(self.parts[run.fold], run, self.metric) for run in runs]
            for runs in self.trials
        ]

    @property
    def best(self) -> list[list[int]]:
        """The best epoch of each training on everything."""
        return [[look.epoch for look in of_trial] for of_trial in self.looks]

    def kept(self, draw: int) -> list[list[int]]:
        """Return the best epoch of each training on what a draw keeps."""
        return [[int(look.epochs[draw]) for look in of_trial] for of_trial in self.looks]

    def answers(self, name: str, epochs: Sequence[Sequence[int]], trial: int) -> Probabilities:
        """Return what a trial answers in a fold `(n, classes)`, the mean over its seeds."""
        by_seed = [
            run.probabilities[epoch]
            for run, epoch in zip(self.trials[trial], epochs[trial], strict=True)
            if run.fold == name
        ]
        first = np.asarray(by_seed[0], np.float32)
        return first if len(by_seed) == 1 else np.mean(by_seed, axis=0, dtype=np.float32)

    def combined(
        self, name: str, weights_M: Weights, epochs: Sequence[Sequence[int]]
    ) -> Probabilities:
        """Return what an ensemble answers in a fold, `(n, classes)`."""
        each = [
            np.float32(weights_M[member]) * self.answers(name, epochs, int(member))
            for member in np.flatnonzero(weights_M)
        ]
        return np.asarray(np.sum(each, axis=0))

    def sums(self, name: str, answers_NC: Probabilities) -> Sums:
        """Return what the metric needs of each dialogue of a fold, `(dialogues, …)`."""
        part = self.parts[name]
        groups, n_groups = part.groups, part.n_groups
        sums = sum_by_group(self.metric, part.fold.labels, answers_NC[None], groups, n_groups)
        return np.asarray(sums[0])

    def members(self, answers_MNC: Probabilities, labels_N: NDArray[np.int64]) -> Weights:
        """Choose an ensemble on some answers; return its weights."""
        weights_M = greedy_selection(answers_MNC, labels_N, self.metric.name)
        return heaviest(weights_M, self.n_members)

    def judge_by_kept(self, name: str) -> Sums:
        """Return sums of a fold in each division, each fifth by the ensemble of the others."""
        part, judged = self.parts[name], []
        for draw, left_out_G in enumerate(part.left_out):
            epochs, rows = self.kept(draw), np.flatnonzero(left_out_G[part.groups] == 0)
            answers_MNC = np.stack([
                self.answers(name, epochs, trial)[rows] for trial in range(len(self.trials))
            ])  # fmt: skip
            weights_M = self.members(answers_MNC, part.fold.labels[rows])
            judged.append(left_out_G @ self.sums(name, self.combined(name, weights_M, epochs)))
        return _by_division(judged)

    def judge_by_others(self, name: str, sessions: Sequence[int]) -> Sums:
        """Return sums of a fold in each division, by the ensemble of the other sessions.

        Args:
            name: The fold.
            sessions: Those that may choose; the fold's own does where there is no other.
        """
        others = tuple(session for session in sessions if session != self.sessions[name])
        weights_M = self.choose_on(others or tuple(sessions))
        return _by_division([
            left_out_G @ self.sums(name, self.combined(name, weights_M, self.kept(draw)))
            for draw, left_out_G in enumerate(self.parts[name].left_out)
        ])  # fmt: skip

    def choose_on(self, sessions: tuple[int, ...]) -> Weights:
        """Return the weights that some sessions choose, at the epochs that are best on them."""
        if sessions not in self.chosen:
            names = [name for name, session in self.sessions.items() if session in sessions]
            answers_MNC = np.stack([
                np.concatenate([self.answers(name, self.best, trial) for name in names])
                for trial in range(len(self.trials))
            ])  # fmt: skip
            labels_N = np.concatenate([self.parts[name].fold.labels for name in names])
            self.chosen[sessions] = self.members(answers_MNC, labels_N)
        return self.chosen[sessions]


def _by_division(judged: Sequence[Sums]) -> Sums:
    """Add up the five draws of each division: `(divisions, …)`."""
    judged_RK = np.array(judged)
    return np.asarray(judged_RK.reshape(-1, N_PARTS, judged_RK.shape[1]).sum(1))
