"""A trial trained again gives the same bits, and a difference is seen."""

import json

import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.preparation import quiet
from emotion_hpo.replay import replay


def silent(*_epochs):
    """Show nothing."""


@pytest.mark.parametrize("wanted", ["trial_0", "1", None])
def test_a_trial_replays_to_the_same_bits(searched, wanted):
    found = replay(searched, wanted, quiet, silent)
    assert found.first_difference is None
    assert len(found.curve) == len(found.trial.curve) == 3


def test_a_difference_is_seen(searched):
    path = searched.trial(0).curve
    curve = json.loads(path.read_text())
    curve[1]["metrics"]["val/loss"] += 1e-12
    path.write_text(json.dumps(curve))
    assert replay(searched, 0, quiet, silent).first_difference == 2


def test_a_trial_without_a_seed_cannot_be_replayed(searched):
    record = searched.trial(0).record
    record.write_text(json.dumps({**json.loads(record.read_text()), "seed": None}))
    with pytest.raises(StudyError, match="lacks what a replay needs"):
        replay(searched, 0, quiet, silent)
