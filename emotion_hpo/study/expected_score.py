"""The score that a study expects of a single trial on new utterances: whose, and by what.

The search estimates it for its best trial (`search.json`), the confirmation for the trial that won
over fresh seeds (`selection.json`). Who reads both takes the confirmed one first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotion_hpo.metrics.intervals import Interval


@dataclass(frozen=True)
class ExpectedScore:
    """The score that a model is expected to reach on new utterances.

    Attributes:
        winner: The trial that is meant, or `ensemble`.
        holds_for: For whom: speakers already heard, or new ones.
        value: Of the objective.
        interval: Around it, of 90 %.
    """

    winner: str
    holds_for: str
    value: float
    interval: Interval


def list_expected_scores(
    summary: Mapping[str, Any], selection: Mapping[str, Any] | None
) -> tuple[ExpectedScore, ...]:
    """Return what is expected of single trials: by the confirmation first, then by the search.

    Args:
        summary: What `search.json` holds, or nothing.
        selection: What `selection.json` holds, if leaders were confirmed.
    """
    searched = summary.get("expected")
    if not searched:
        return ()
    sources = [(searched["winner"], searched)]
    if selection and selection.get("expected"):
        sources.insert(0, (selection["winner"], selection["expected"]))
    return tuple(
        ExpectedScore(
            winner, searched["holds_for"], source["value"], Interval.read(source["interval"])
        )
        for winner, source in sources
    )
