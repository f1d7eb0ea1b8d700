"""Scores and intervals as people read them, the same on a screen, in a report and in MLflow."""

from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.formatting import format_share


def format_score(metric: str, value: float | None) -> str:
    """Return a value of a metric: a share in per cent, or a loss.

    >>> format_score("val/uar", 0.5), format_score("val/loss", 1.25), format_score("val/loss", None)
    ('50.00 %', '1.2500', '–')
    """
    if value is None or find_metric(metric).unit == "share":
        return format_share(value)
    return f"{value:.4f}"


def format_difference(metric: str, difference: float) -> str:
    """Return a difference of two values without its unit: of shares in points of 100.

    >>> format_difference("uar", -0.015), format_difference("loss", 0.25)
    ('-1.50', '+0.2500')
    """
    is_share = find_metric(metric).unit == "share"
    return f"{100 * difference:+.2f}" if is_share else f"{difference:+.4f}"


def format_interval(interval: Interval, metric: str = "accuracy") -> str:
    """Return an interval of a metric, or why it has no ends.

    >>> format_interval(Interval(0.65, 0.6, 0.7)), format_interval(Interval(1, 0.5, 1.75), "loss")
    ('60.0 – 70.0 %', '0.5000 – 1.7500')
    """
    if interval.ends is None:
        return f"not estimable: {interval.reason}"
    low, high = interval.ends
    if find_metric(metric).unit == "share":
        return f"{100 * low:.1f} – {100 * high:.1f} %"
    return f"{low:.4f} – {high:.4f}"


def format_score_interval(objective: str, interval: Interval) -> str:
    """Return an interval of a metric, and what decides its ends.

    >>> format_score_interval("val/loss", Interval(0.6, 0.5, 0.75, method="choice repeated"))
    '0.5000 – 0.7500, by choice repeated'
    """
    if interval.ends is None:
        return format_interval(interval)
    low, high = (format_score(objective, end) for end in interval.ends)
    return f"{low} – {high}, by {interval.method}"
