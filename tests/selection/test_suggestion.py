"""Which of winner, ensemble and baseline `final` had better score."""

import pytest

from emotion_hpo.selection.suggestion import suggest

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


def value(of):
    return None if of is None else {"value": of}


@pytest.mark.parametrize(("objective", "searched", "confirmed", "ensemble", "best", "why"), CASES)
def test_the_better_is_suggested(objective, searched, confirmed, ensemble, best, why):
    summary = {
        "objective": objective, "best_trial": "trial_1", "expected": value(searched),
        "ensemble": value(ensemble),
    }  # fmt: skip
    selection = confirmed and {"winner": "trial_2", "expected": value(confirmed)}
    suggestion = suggest(summary, selection)
    assert suggestion.best == best, why
    assert suggestion.expected.get("ensemble") == ensemble


@pytest.mark.parametrize(
    ("objective", "baseline", "best"),
    [("accuracy", 0.7, "baseline"), ("accuracy", 0.5, "trial_1"), ("loss", 0.5, "baseline")],
)
def test_the_baseline_is_suggested_where_it_is_ahead(objective, baseline, best):
    summary = {
        "objective": f"val/{objective}", "best_trial": "trial_1", "expected": {"value": 0.6},
        "ensemble": None, "baseline": {"validation": {objective: baseline}},
    }  # fmt: skip
    assert suggest(summary, None).best == best


def test_without_a_complete_trial_there_is_nothing_to_suggest():
    summary = {"objective": "val/accuracy", "best_trial": None, "expected": None, "ensemble": None}
    assert suggest(summary, None) is None
