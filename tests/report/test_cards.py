"""The cards at a page's head are of one model: what it reached, and what was expected of it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from emotion_hpo.metrics import METRICS
from emotion_hpo.report.cards import study_cards
from emotion_hpo.report.findings import Final
from emotion_hpo.report.reading import read_findings
from tests.records import (
    baseline,
    expected,
    expected_ensemble,
    final_result,
    search_summary,
    selection,
    span,
)
from tests.report.studies import begin, config_for, trials, write_all


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """A search of which winner, confirmed trial and ensemble have expectations of their own."""
    folder = tmp_path_factory.mktemp("cards")
    home, config = begin(folder), config_for(folder, "study")
    write_all(home, config, [*trials(4, config)])
    confirmed = {"value": 0.58, "interval": span(0.5, 0.6), "optimism": 0.01}
    chosen = selection(winner="trial_2", expected=confirmed)
    return replace(read_findings(home), selection=chosen)


def expected_cards(findings):
    cards = [card for card in study_cards(findings) if card.label.startswith("expected")]
    return [(card.figure, card.note.partition(";")[0]) for card in cards]


@pytest.mark.parametrize(
    ("of_baseline", "of_ensemble", "shown"),
    [
        (0.5, 0.62, ("62.00 %", "ensemble")),
        (0.5, 0.55, ("58.00 %", "trial_2")),
        (0.7, 0.62, None),  # its validation value has a card of its own
    ],
)
def test_before_the_test_it_is_what_final_would_take(findings, of_baseline, of_ensemble, shown):
    summary = search_summary(
        baseline=baseline(validation=dict.fromkeys(METRICS, of_baseline)).to_json(),
        expected=expected(winner="trial_0", value=0.6),
        ensemble=expected_ensemble(value=of_ensemble),
    )
    cards = expected_cards(replace(findings, summary=summary))
    assert cards == ([] if shown is None else [shown])


@pytest.mark.parametrize("is_expected", [True, False])
def test_after_the_test_it_is_what_was_scored(findings, is_expected):
    held = {"winner": "ensemble", "holds_for": "new speakers", "value": 0.62,
            "interval": span(0.5, 0.7), "test": 0.7, "is_inside": True}  # fmt: skip
    result = final_result(trial="ensemble", expected=held if is_expected else None)
    scored = replace(findings, finals=(Final(SimpleNamespace(), result, None),))
    assert expected_cards(scored) == ([("62.00 %", "ensemble")] if is_expected else [])
