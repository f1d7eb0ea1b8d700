"""What the report says of the re-runs."""

from types import SimpleNamespace

import pytest

from emotion_hpo.report.honesty import confirmation_blocks

CANDIDATE = {
    "trial": "trial_1", "is_default": False, "values": [0.63, 0.65], "mean": 0.64, "epochs": 5,
    "n_parameters": 2_000_000, "seconds": 12.0,
}  # fmt: skip
EXPECTED = {"value": 0.63, "interval": [0.6, 0.66], "optimism": 0.01}


@pytest.mark.parametrize("expected", [EXPECTED, None])
def test_the_table_tells_what_the_confirmed_winner_is_worth(expected):
    selection = {
        "winner": "trial_1", "standard_error": 0.01, "candidates": [CANDIDATE],
        "expected": expected,
    }  # fmt: skip
    findings = SimpleNamespace(selection=selection, objective="val/accuracy", trials=[], sign=1)
    (table,) = confirmation_blocks(findings)
    said = "Expected of the chosen one: 63.00 %, its mean less what this choice added (90 %"
    assert (said in table.note) == (expected is not None)
