"""How figures are written on a page: shares, intervals, times."""

from typing import Any


def percent(value: float | None) -> str:
    """A share as a reader compares it.

    >>> percent(0.71037), percent(None)
    ('71.04 %', '–')
    """
    return "–" if value is None else f"{100 * value:.2f} %"


def interval(ends: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """An interval of shares.

    >>> interval([0.7, 0.75]), interval([None, None])
    ('70.00 to 75.00 %', '–')
    """
    if not ends or any(one is None for one in ends):
        return "–"
    return f"{100 * ends[0]:.2f} to {100 * ends[1]:.2f} %"


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
