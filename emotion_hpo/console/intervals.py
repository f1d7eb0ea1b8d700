"""Intervals with what decides their ends, as tables and lines show them."""

from typing import Any

from emotion_hpo.metrics.formatting import format_interval
from emotion_hpo.metrics.intervals import Interval


def format_with_method(stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """Return the ends of an interval of shares, and what decides them.

    >>> format_with_method({"low": 0.6, "high": 0.7, "method": "sessions"})
    '60.0 – 70.0 % by sessions'
    """
    interval = Interval.read(stored)
    return format_interval(interval) + (f" by {interval.method}" if interval.ends else "")


def format_gain_interval(stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """Return the ends of a difference's interval in points of 100, and what decides them.

    >>> format_gain_interval({"low": -0.01, "high": 0.02, "method": "dialogues"})
    '-1.0 to +2.0, by dialogues'
    """
    interval = Interval.read(stored)
    if interval.ends is None:
        return format_interval(interval)
    low, high = interval.ends
    return f"{100 * low:+.1f} to {100 * high:+.1f}, by {interval.method}"
