"""Which model `final` had better score: the winner of a search, an ensemble, or the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

from emotion_hpo.metrics import find_metric
from emotion_hpo.metrics.formatting import format_difference, format_score
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
        objective: What is expected.
        n_members: Models in the ensemble.
        is_choice: Whether the best was chosen by what is expected.
    """

    best: str
    winner: str
    expected: Mapping[str, float]
    objective: str
    n_members: int
    is_choice: bool

    def describe(self, name: str) -> str:
        """Return how a sentence names one of the three."""
        return {
            BASELINE: "the baseline",
            ENSEMBLE: f"the ensemble of {self.n_members} models",
        }.get(name, name)

    def describe_expected(self) -> str:
        """Return what is expected of the best."""
        return f"{self.objective} {format_score(self.objective, self.expected[self.best])}"

    def describe_others(self) -> str:
        """Return by how much the others are behind, the nearest first; "" without others."""
        metric, best = find_metric(self.objective), self.expected[self.best]
        others = sorted(self.expected.items(), key=lambda item: -metric.sign * item[1])
        behind = [
            f"{self.describe(name)} {format_difference(self.objective, value - best)}"
            if value != best
            else f"{self.describe(name)} as good"
            for name, value in others
            if name != self.best
        ]
        unit = " points" if behind and metric.unit == "share" else ""
        return f"{', '.join(behind)}{unit}"


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
    # With two objectives the front decides, and costs count there
    is_choice = winner in expected and summary.second_objective is None
    sign = find_metric(summary.objective).sign
    best = max(expected, key=lambda name: sign * expected[name]) if is_choice else winner
    n_members = 0 if summary.ensemble is None else len(summary.ensemble.members)
    return Suggestion(best, winner, expected, summary.objective, n_members, is_choice)
