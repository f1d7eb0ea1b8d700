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

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.corrected_score import CorrectedScore, Scored
from emotion_hpo.metrics.registry import Metric, find_metric
from emotion_hpo.metrics.repeated_choice import (
    N_PARTS,
    FoldDraws,
    Run,
    RunScores,
    ValidationLabels,
    epoch_sums,
    number_sessions,
    prepare_folds,
    score_run,
)
from emotion_hpo.metrics.sums import Sums, value_of_sums


def correct_winner_score(
    folds: Mapping[str, ValidationLabels],
    trials: Sequence[Sequence[Run]],
    objective: str = "val/accuracy",
    *,
    n_smoothed: int = 1,
    level: float = 0.90,
    n_resamples: int = 1000,
    seed: int = 0,
) -> CorrectedScore:
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
    n_divisions = -(-n_resamples // N_PARTS)
    parts = prepare_folds(folds, n_smoothed, n_divisions, n_resamples, seed)
    looks = [[score_run(parts[run.fold], run, metric) for run in runs] for runs in trials]
    # As a trial's own value is made, and exact: ties stay ties, whatever the order of the folds
    plain = [statistics.fmean(look.value for look in of_trial) for of_trial in looks]
    winner = int(np.argmax(plain))
    sessions = number_sessions(folds)
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
    n_sessions = len(by_session)
    scored = Scored(
        winner=winner,
        plain=metric.sign * float(plain[winner]),
        scores=np.concatenate([*by_session.values()]),
        by_division=np.mean(by_division, axis=0),
        judging=judging,
        jackknife=_jackknife(trials, looks, sessions) if n_sessions > 1 else None,
        n_sessions=n_sessions,
    )
    return scored.expected(metric, parts.values(), level, len(trials))


def _jackknife(
    trials: Sequence[Sequence[Run]],
    looks: Sequence[Sequence[RunScores]],
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


def _judge_by_others(
    name: str,
    part: FoldDraws,
    trials: Sequence[Sequence[Run]],
    looks: Sequence[Sequence[RunScores]],
    chosen_R: NDArray[np.int64],
    metric: Metric,
) -> Sums:
    """Return sums of a fold in each division, each fifth by the winner of the others."""
    judged: Sums | None = None
    for trial in np.unique(chosen_R):
        draws = np.flatnonzero(chosen_R == trial)
        indices = [index for index, run in enumerate(trials[trial]) if run.fold == name]
        for index in indices:
            sums_EGK = epoch_sums(part, trials[trial][index].probabilities, metric)
            if judged is None:
                judged = np.zeros((len(chosen_R), sums_EGK.shape[2]))
            for draw in draws:
                epoch = looks[trial][index].epochs[draw]
                judged[draw] += part.left_out[draw] @ sums_EGK[epoch] / len(indices)
    assert judged is not None, "every trial was trained on every fold"
    return np.asarray(judged.reshape(-1, N_PARTS, judged.shape[1]).sum(1))


def _variance_over_dialogues(
    name: str, part: FoldDraws, runs: Sequence[Run], looks: Sequence[RunScores], metric: Metric
) -> float:
    """Return the variance of the winner's score on a fold over its resampled dialogues.

    Of n exponential weights the variance of a mean is n / (n + 1) of that of n drawn dialogues.
    """
    values = [
        value_of_sums(
            metric, part.resampled @ epoch_sums(part, run.probabilities, metric)[look.epoch]
        )
        for run, look in zip(runs, looks, strict=True) if run.fold == name
    ]  # fmt: skip
    return float(np.var(np.mean(values, axis=0)) * (part.n_groups + 1) / part.n_groups)
