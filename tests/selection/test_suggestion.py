"""Which of winner, ensemble and baseline `final` had better score."""

import pytest

from emotion_hpo.metrics import METRICS
from emotion_hpo.selection.suggestion import suggest
from tests.records import baseline, expected, expected_ensemble, search_summary, selection, span

CASES = [
    # objective, expected of search, of confirmed, of ensemble; what is suggested
    ("val/accuracy", 0.60, 0.58, 0.59, "ensemble", "the confirmed value counts"),
    ("val/accuracy", 0.60, None, 0.59, "trial_1", "without a confirmation the search's"),
    ("val/accuracy", 0.60, 0.59, 0.59, "trial_2", "of equals the cheaper"),
    ("val/loss", 1.00, 1.10, 1.05, "ensemble", "a loss is better low"),
    ("val/loss", 1.00, 1.00, 1.05, "trial_2", "a loss is worse high"),
    ("val/accuracy", 0.60, 0.58, None, "trial_2", "there is no ensemble"),
    ("val/accuracy", None, None, 0.70, "trial_1", "nothing is expected of the winner"),
]


@pytest.mark.parametrize(("objective", "searched", "confirmed", "ensemble", "best", "why"), CASES)
def test_the_better_is_suggested(objective, searched, confirmed, ensemble, best, why):
    summary = search_summary(
        objective=objective,
        best_trial="trial_1",
        expected=None if searched is None else expected(value=searched),
        ensemble=None if ensemble is None else expected_ensemble(value=ensemble),
        baseline=baseline(validation=dict.fromkeys(METRICS)).to_json(),
    )
    chosen = None
    if confirmed is not None:
        score = {"value": confirmed, "interval": span(0.5, 0.7), "optimism": 0.01}
        chosen = selection(winner="trial_2", expected=score)
    suggestion = suggest(summary, chosen)
    assert suggestion.best == best, why
    assert suggestion.expected.get("ensemble") == ensemble


@pytest.mark.parametrize(
    ("objective", "of_baseline", "best"),
    [("accuracy", 0.7, "baseline"), ("accuracy", 0.5, "trial_1"), ("loss", 0.5, "baseline")],
)
def test_the_baseline_is_suggested_where_it_is_ahead(objective, of_baseline, best):
    validation = dict.fromkeys(METRICS) | {objective: of_baseline}
    summary = search_summary(
        objective=f"val/{objective}",
        best_trial="trial_1",
        expected=expected(value=0.6),
        baseline=baseline(validation=validation).to_json(),
    )
    assert suggest(summary, None).best == best


def test_without_a_complete_trial_there_is_nothing_to_suggest():
    assert suggest(search_summary(best_trial=None, expected=None), None) is None
