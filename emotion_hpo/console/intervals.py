"""Intervals with what decides their ends, as tables and lines show them."""

from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.metrics.formatting import format_interval


def format_with_method(interval: Interval) -> str:
    """Return the ends of an interval of shares, and what decides them.

    >>> format_with_method(Interval(0.65, 0.6, 0.7, method="sessions"))
    '60.0 – 70.0 % by sessions'
    """
    return format_interval(interval) + (f" by {interval.method}" if interval.ends else "")


def format_gain_interval(interval: Interval) -> str:
    """Return the ends of a difference's interval in points of 100, and what decides them.

    >>> format_gain_interval(Interval(0.01, -0.01, 0.02))
    '-1.0 to +2.0, by dialogues'
    """
    if interval.ends is None:
        return format_interval(interval)
    low, high = interval.ends
    return f"{100 * low:+.1f} to {100 * high:+.1f}, by {interval.method}"
