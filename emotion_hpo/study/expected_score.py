"""The score that a study expects of a model on new utterances: whose, and by what.

The search estimates it for its best trial and for the ensemble (`search.json`), the confirmation
for the trial that won over fresh seeds (`selection.json`), which is taken first.
"""

from dataclasses import dataclass

from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection


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
    summary: SearchSummary | None, selection: Selection | None
) -> tuple[ExpectedScore, ...]:
    """Return what is expected: by the confirmation first, by the search, and of the ensemble."""
    if summary is None or (searched := summary.expected) is None:
        return ()
    sources = [(searched.winner, searched.value, searched.interval)]
    if selection is not None and (confirmed := selection.expected) is not None:
        sources.insert(0, (selection.winner, confirmed.value, confirmed.interval))
    if (ensemble := summary.ensemble) is not None:
        sources.append(("ensemble", ensemble.value, ensemble.interval))
    return tuple(
        ExpectedScore(winner, searched.holds_for, value, interval)
        for winner, value, interval in sources
    )
