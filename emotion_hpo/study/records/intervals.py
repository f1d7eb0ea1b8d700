"""Intervals as records hold them: `metrics.Interval`, its ends checked."""

from typing import Annotated

from pydantic import AfterValidator

from emotion_hpo.metrics.confidence_interval import Interval


def _check_ends(interval: Interval) -> Interval:
    """Refuse what cannot be the ends of an interval.

    Raises:
        ValueError: One of them is missing alone, or the lower one is the higher.
    """
    low, high = interval.low, interval.high
    if (low is None) != (high is None):
        raise ValueError(f"the ends of an interval are numbers, not {low!r} and {high!r}")
    if low is not None and high is not None and not low <= high:
        raise ValueError(f"low <= high must hold, but got low={low}, high={high}")
    return interval


#: A confidence interval: `estimate`, `low`, `high`, `level`, `method`, `n_utterances`,
#: `n_dialogues`, `reason` (docs/statistics.md).
StoredInterval = Annotated[Interval, AfterValidator(_check_ends)]
