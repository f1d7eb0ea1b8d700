"""Which model `final` had better score: the winner of a search, an ensemble, or the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

from emotion_hpo.metrics import find_metric
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection

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


def suggest(summary: SearchSummary, selection: Selection | None) -> Suggestion | None:
    """Compare winner, ensemble and baseline; of equals the one that costs less.

    Returns:
        None where no trial is complete.
    """
    winner = summary.best_trial if selection is None else selection.winner
    if winner is None:
        return None
    of_winner = (selection and selection.expected) or summary.expected
    values = {
        BASELINE: summary.baseline.validation.value_of(summary.objective),
        winner: of_winner.value if of_winner else None,
        ENSEMBLE: summary.ensemble.value if summary.ensemble else None,
    }
    expected = {name: value for name, value in values.items() if value is not None}
    if winner not in expected:
        return Suggestion(winner, winner, expected)
    if summary.second_objective is not None:  # the front decides, and costs count there
        return Suggestion(winner, winner, expected)
    sign = find_metric(summary.objective).sign
    return Suggestion(max(expected, key=lambda name: sign * expected[name]), winner, expected)
