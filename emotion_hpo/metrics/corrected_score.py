"""A validation value less what choosing added to it, with its interval: what a choice came to."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from emotion_hpo.metrics.confidence_interval import CHOICE, NO_WIDTH, Interval
from emotion_hpo.metrics.registry import Metric
from emotion_hpo.metrics.repeated_choice import FoldDraws


@dataclass(frozen=True)
class CorrectedScore:
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
class Scored:
    """What a repeated choice came to.

    Attributes:
        winner: As in `CorrectedScore`.
        plain: As in `CorrectedScore`.
        scores: Of each fold, on what was left out, over all divisions `(folds,)`.
        by_division: The same of each division, the mean over the folds `(divisions,)`.
        judging: Variance of the chosen one's score over resampled dialogues, a sum over the folds.
        jackknife: Variance between sessions; None of a single one.
        n_sessions: How many of them the folds are.
    """

    winner: int
    plain: float
    scores: NDArray[np.float64]
    by_division: NDArray[np.float64]
    judging: float
    jackknife: float | None
    n_sessions: int

    def expected(
        self, metric: Metric, parts: Collection[FoldDraws], level: float, n_trials: int
    ) -> CorrectedScore:
        """Return the corrected score with its interval."""
        value, k = float(np.mean(self.scores)), len(parts)
        n_dialogues = sum(part.n_dialogues for part in parts)
        choosing = float(np.nanvar(self.by_division))
        half = _student_t(n_dialogues - k, level) * np.sqrt(self.judging / k**2 + choosing)
        if self.jackknife is not None:
            half = max(half, _student_t(self.n_sessions - 1, level) * np.sqrt(self.jackknife))
        labels = np.concatenate([part.fold.labels for part in parts])
        if metric.exact is not None:  # where each is right, or each is wrong, that is no certainty
            half = max(half, metric.exact.reach(value, labels, level).max())
        return CorrectedScore(
            winner=self.winner,
            plain=self.plain,
            value=value,
            half=float(half),
            most=metric.highest,
            level=level,
            n_trials=n_trials,
            n_folds=k,
            n_utterances=len(labels),
            n_dialogues=n_dialogues,
        )


def _student_t(freedom: int, level: float) -> float:
    """Return Student's t of a two-sided interval."""
    return float(stdtrit(max(freedom, 1), (1 + level) / 2))
