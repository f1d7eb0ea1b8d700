"""Intervals as people read them, the same on a screen and in MLflow."""

from typing import Any

from emotion_hpo.metrics.intervals import Interval
from emotion_hpo.runtime.formatting import format_score


def format_interval(interval: Interval) -> str:
    """An interval of shares as people read it.

    >>> format_interval(Interval(0.65, 0.6, 0.7))
    '60.0 – 70.0 %'
    """
    if interval.ends is None:
        return f"not estimable: {interval.reason}"
    low, high = interval.ends
    return f"{100 * low:.1f} – {100 * high:.1f} %"


def format_score_interval(objective: str, stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """An interval of a trial's value, and what decides its ends.

    >>> format_score_interval("val/loss", {"low": 0.5, "high": 0.75, "method": "choice repeated"})
    '0.5000 – 0.7500, by choice repeated'
    """
    interval = Interval.read(stored)
    if interval.ends is None:
        return format_interval(interval)
    low, high = (format_score(objective, end) for end in interval.ends)
    return f"{low} – {high}, by {interval.method}"
