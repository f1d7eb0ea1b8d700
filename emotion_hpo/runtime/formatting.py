"""Shares, counts and times as people read them, the same on a screen and in a report."""

from collections.abc import Sequence


def format_share(value: float | None) -> str:
    """Return a share in per cent; a dash where there is none.

    >>> format_share(0.7104), format_share(None)
    ('71.04 %', '–')
    """
    return "–" if value is None else f"{100 * value:.2f} %"


def format_count(n: int, noun: str) -> str:
    """Return a number of things, in the plural where there is not one.

    >>> format_count(1, "epoch"), format_count(3, "epoch")
    ('1 epoch', '3 epochs')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def name_some(names: Sequence[str], n: int) -> str:
    """Return the first names, and how many more there are.

    >>> name_some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - n} more" if len(names) > n else ""
    return f"{', '.join(names[:n])}{more}"


def format_duration(seconds: float) -> str:
    """Return a time in the units that suit its length.

    >>> format_duration(12), format_duration(200), format_duration(7260)
    ('12 s', '3 min 20 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
