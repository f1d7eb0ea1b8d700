"""What the report says of the re-runs."""

from types import SimpleNamespace

import pytest

from emotion_hpo.report.confirmation import confirmation_blocks
from tests.records import selection, span

EXPECTED = {"value": 0.63, "interval": span(0.6, 0.66), "optimism": 0.01}


@pytest.mark.parametrize("expected", [EXPECTED, None])
def test_the_table_tells_what_the_confirmed_winner_is_worth(expected):
    confirmed = selection(expected=expected)
    findings = SimpleNamespace(selection=confirmed, objective="val/accuracy", trials=[], sign=1)
    (table,) = confirmation_blocks(findings)
    said = "Expected of the chosen one: 63.00 %, its mean less what this choice added (90 %"
    assert (said in table.note) == (expected is not None)
