"""Intervals as records hold them: `metrics.Interval`, its ends checked."""

from typing import Annotated

from pydantic import AfterValidator

from emotion_hpo.metrics.intervals import Interval, check_ends


def _checked(interval: Interval) -> Interval:
    """Return an interval whose ends can be such.

    Raises:
        ValueError: They cannot.
    """
    check_ends(interval.low, interval.high)
    return interval


#: A confidence interval: `estimate`, `low`, `high`, `level`, `method`, `n_utterances`,
#: `n_dialogues`, `reason` (docs/statistics.md).
StoredInterval = Annotated[Interval, AfterValidator(_checked)]
