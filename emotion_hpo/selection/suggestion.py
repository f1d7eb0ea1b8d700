"""Which model `final` had better score: the winner of a search, an ensemble, or the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotion_hpo.metrics import find_metric

#: What a user writes instead of a trial's name.
ENSEMBLE, BASELINE = "ensemble", "baseline"


@dataclass(frozen=True)
class Suggestion:
    """The best of the three, by what is expected of them.

    Attributes:
        best: What `final best=…` takes: a trial's name, `ensemble` or `baseline`.
        winner: The trial that is confirmed, or else the best of the search.
        expected: Name → expected value of the objective, of those of whom something is expected,
            the cheapest first. The baseline was not chosen on validation: its own value stands.
    """

    best: str
    winner: str
    expected: Mapping[str, float]


def suggest(summary: Mapping[str, Any], selection: Mapping[str, Any] | None) -> Suggestion | None:
    """Compare winner, ensemble and baseline; of equals the one that costs less.

    Args:
        summary: What `search.json` holds.
        selection: What `selection.json` holds, if leaders were confirmed.

    Returns:
        None where no trial is complete.
    """
    winner = (selection or {}).get("winner") or summary.get("best_trial")
    if winner is None:
        return None
    of_winner = (selection or {}).get("expected") or summary.get("expected")
    values = {
        BASELINE: read_baseline(summary),
        winner: of_winner["value"] if of_winner else None,
        ENSEMBLE: ensemble["value"] if (ensemble := summary.get("ensemble")) else None,
    }
    expected = {name: value for name, value in values.items() if value is not None}
    if winner not in expected:
        return Suggestion(winner, winner, expected)
    if summary.get("second_objective") is not None:  # the front decides, and costs count there
        return Suggestion(winner, winner, expected)
    sign = find_metric(summary["objective"]).sign
    return Suggestion(max(expected, key=lambda name: sign * expected[name]), winner, expected)


def read_baseline(summary: Mapping[str, Any]) -> float | None:
    """Return the baseline's value of the objective on validation; None where it has none."""
    scores = (summary.get("baseline") or {}).get("validation") or {}
    value: float | None = scores.get(summary["objective"].removeprefix("val/"))
    return value
