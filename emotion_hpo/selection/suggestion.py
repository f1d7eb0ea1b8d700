"""Which model `final` had better score: the winner of a search, or the ensemble of its trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotion_hpo.metrics import find_metric

#: What a user writes instead of a trial's name.
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Suggestion:
    """The better of the two, by what is expected of them.

    Attributes:
        best: What `final best=…` takes: a trial's name, or `ensemble`.
        winner: The trial that is confirmed, or else the best of the search.
        expected_of_winner: Value of the objective; None where nothing is expected.
        expected_of_ensemble: Likewise; None where there is no ensemble.
    """

    best: str
    winner: str
    expected_of_winner: float | None
    expected_of_ensemble: float | None


def suggest(summary: Mapping[str, Any], selection: Mapping[str, Any] | None) -> Suggestion | None:
    """Compare winner and ensemble; of equals the winner, which costs less.

    Args:
        summary: What `search.json` holds.
        selection: What `selection.json` holds, if leaders were confirmed.

    Returns:
        None where no trial is complete.
    """
    winner = (selection or {}).get("winner") or summary.get("best_trial")
    if winner is None:
        return None
    own = (selection or {}).get("expected") or summary.get("expected")
    of_winner = own["value"] if own else None
    ensemble = summary.get("ensemble")
    of_ensemble = ensemble["value"] if ensemble else None
    is_better = (
        of_winner is not None
        and of_ensemble is not None
        and find_metric(summary["objective"]).sign * (of_ensemble - of_winner) > 0
    )
    return Suggestion(ENSEMBLE if is_better else winner, winner, of_winner, of_ensemble)
