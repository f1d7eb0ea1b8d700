"""Intervals as records hold them: `metrics.Interval`, its ends checked."""

from typing import Annotated

from pydantic import AfterValidator

from emotion_hpo.metrics.intervals import Interval


def _check_ends(interval: Interval) -> Interval:
    """Refuse ends in the wrong order.

    Raises:
        ValueError: The lower end lies above the upper one, or one of them is missing.
    """
    if (interval.low is None) != (interval.high is None):
        raise ValueError("an interval has two ends or none")
    if interval.ends is not None and not interval.ends[0] <= interval.ends[1]:
        low, high = interval.ends
        raise ValueError(f"low <= high must hold, but got low={low}, high={high}")
    return interval


#: A confidence interval: `estimate`, `low`, `high`, `level`, `method`, `n_utterances`,
#: `n_dialogues`, `reason` (docs/statistics.md).
StoredInterval = Annotated[Interval, AfterValidator(_check_ends)]
