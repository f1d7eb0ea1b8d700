"""A confidence interval as files hold it and pages show it, or why there is none."""

from dataclasses import dataclass
from typing import Any, Self

#: What decides the ends of an interval: resampled dialogues, the exact interval, or something of
#: both; sessions as the test; the choice among trials, repeated; resampled trials.
DIALOGUES, EXACT, BOTH = "dialogues", "exact", "dialogues + exact"
SESSIONS, CHOICE, TRIALS = "sessions", "choice repeated", "trials"
NOT_ESTIMABLE = "not estimable"

#: A narrower interval is rounding.
NO_WIDTH = 1e-9


@dataclass(frozen=True)
class Interval:
    """A confidence interval around an estimate, or why there is none.

    Attributes:
        estimate: The figure; None where it has no value.
        low: Its lower end; None if it is not estimable.
        high: Its upper end; None if it is not estimable.
        level: Coverage aimed at.
        method: What decides its ends, in two or three words.
        n_utterances: How many utterances it is of.
        n_dialogues: How many dialogues these are of.
        reason: Why it is not estimable.
    """

    estimate: float | None
    low: float | None
    high: float | None
    level: float = 0.95
    method: str = DIALOGUES
    n_utterances: int | None = None
    n_dialogues: int | None = None
    reason: str | None = None

    @classmethod
    def not_estimable(cls, reason: str, estimate: float | None = None, **facts: Any) -> Self:  # noqa: ANN401 (other fields)
        """Return an interval without ends."""
        return cls(estimate, None, None, method=NOT_ESTIMABLE, reason=reason, **facts)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Its ends; None if it is not estimable."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def origin(self) -> str:
        """What decides its ends, or why it has none."""
        return self.reason or self.method
