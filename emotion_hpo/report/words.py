"""How figures are written on a page: shares, intervals, times."""

from collections.abc import Sequence
from typing import Any

from emotion_hpo.metrics.intervals import NOT_ESTIMABLE, Interval


def percent(value: float | None) -> str:
    """A share as a reader compares it.

    >>> percent(0.71037), percent(None)
    ('71.04 %', '–')
    """
    return "–" if value is None else f"{100 * value:.2f} %"


def interval(stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """An interval of shares.

    >>> interval({"low": 0.7, "high": 0.75, "method": "exact"}), interval([None, None])
    ('70.00 to 75.00 %', 'not estimable')
    """
    if (ends := Interval.read(stored).ends) is None:
        return NOT_ESTIMABLE
    return f"{100 * ends[0]:.2f} to {100 * ends[1]:.2f} %"


def interval_points(interval: Interval) -> str:
    """An interval of a difference of shares, in points of 100.

    >>> interval_points(Interval(0.01, -0.01, 0.02))
    '-1.00 to +2.00'
    """
    if interval.ends is None:
        return NOT_ESTIMABLE
    return f"{100 * interval.ends[0]:+.2f} to {100 * interval.ends[1]:+.2f}"


def value_interval(objective: str, stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """An interval of a trial's value: of a share, or of a loss."""
    if (ends := Interval.read(stored).ends) is None:
        return NOT_ESTIMABLE
    return " to ".join(value_words(objective, end) for end in ends)


def method(stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """What decides the ends of an interval, or why it has none.

    >>> method({"low": 0.7, "high": 0.75, "method": "exact"}), method([0.7, 0.7])
    ('exact', 'older version: a point')
    """
    interval = Interval.read(stored)
    return interval.reason or interval.method


def methods_words(stored: Sequence[Any]) -> str:
    """What decides the ends of some intervals that one figure shows.

    >>> methods_words([{"low": 0.7, "high": 0.75, "method": name} for name in ("exact", "exact")])
    'exact'
    """
    return " or ".join(dict.fromkeys(map(method, stored)))


#: How the methods of `metrics.interval` are explained, wherever a table names them.
METHODS = (
    "Intervals by dialogues resample whole dialogues; those by exact are of as many independent "
    "utterances (Clopper and Pearson), the least that they can be; dialogues + exact are of both."
)


def value_words(objective: str, value: float | None) -> str:
    """A trial's value: a share, or a loss."""
    if value is None:
        return "–"
    return f"{value:.4f}" if objective.endswith("loss") else percent(value)


def short(value: object) -> str:
    """A parameter's value."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def times(n: int) -> str:
    """How often.

    >>> times(1), times(3)
    ('once', '3 times')
    """
    return "once" if n == 1 else f"{n} times"


def hours(seconds: float) -> str:
    """A time as a budget counts it.

    >>> hours(4.2), hours(90), hours(5400)
    ('4.2 s', '1.5 min', '1.50 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.2f} h"
