"""How values are written on a page: intervals, parameters, times."""

from collections.abc import Sequence

from emotion_hpo.metrics.confidence_interval import NOT_ESTIMABLE, Interval
from emotion_hpo.metrics.formatting import format_difference, format_score


def format_ends(interval: Interval, metric: str = "accuracy") -> str:
    """Return the ends of an interval of a metric.

    >>> format_ends(Interval(0.72, 0.7, 0.75)), format_ends(Interval.not_estimable("no utterance"))
    ('70.00 to 75.00 %', 'not estimable')
    """
    if interval.ends is None:
        return NOT_ESTIMABLE
    low, high = (format_score(metric, end) for end in interval.ends)
    return f"{low.removesuffix(' %')} to {high}"


def format_difference_ends(interval: Interval, metric: str = "accuracy") -> str:
    """Return the ends of an interval of a difference: of shares in points of 100.

    >>> format_difference_ends(Interval(0.01, -0.01, 0.02))
    '-1.00 to +2.00'
    """
    if interval.ends is None:
        return NOT_ESTIMABLE
    return " to ".join(format_difference(metric, end) for end in interval.ends)


def join_origins(intervals: Sequence[Interval]) -> str:
    """Return what decides the ends of the intervals that one figure shows.

    >>> join_origins([Interval(0.72, 0.7, 0.75, method=name) for name in ("exact", "exact")])
    'exact'
    """
    return " or ".join(dict.fromkeys(interval.origin for interval in intervals))


#: How the methods of `metrics.interval` are explained, wherever a table names them.
METHODS = (
    "Intervals by dialogues resample whole dialogues; those by exact are of as many independent "
    "utterances (Clopper and Pearson), the least that they can be; dialogues + exact are of both."
)


def format_value(value: object) -> str:
    """Return a parameter's value in at most four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def format_times(n: int) -> str:
    """Return how often something happened.

    >>> format_times(1), format_times(3)
    ('once', '3 times')
    """
    return "once" if n == 1 else f"{n} times"


def format_hours(seconds: float) -> str:
    """Return a time as a budget counts it.

    >>> format_hours(4.2), format_hours(90), format_hours(5400)
    ('4.2 s', '1.5 min', '1.50 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.2f} h"
