"""What labelled turns have and others lack tells which are labelled."""

import numpy as np
import pytest

from emotion_hpo.search.label_hints import describe_label_hints
from tests.dialogues import make_shelf, make_turns

NOTHING = np.zeros((0, 6), np.float32)


def lose(is_lost):
    """Turns of which some have neither voice nor words."""
    shelf = make_shelf((20, 20))
    lost = is_lost(shelf.table["emotion"].notna())
    shelf.table["transcript"] = shelf.table["transcript"].mask(lost, None)
    shelf.features["voice"] = [
        NOTHING if is_gone else frames
        for is_gone, frames in zip(lost, shelf.features["voice"], strict=True)
    ]
    return make_turns(shelf).labelled()


def test_what_labelled_turns_alone_have_is_told():
    lines = describe_label_hints(
        lose(lambda is_labelled: ~is_labelled), ("speech", "text", "text_factors", "voice"), ()
    )
    assert [line.split(",")[0] for line in lines] == [
        f"{name}: 100 % of the turns with a label have it" for name in ("text", "voice")
    ]
    assert "and 0 % of those without" in lines[0]


@pytest.mark.parametrize("is_lost", [lambda each: each & False, lambda each: each | True])
def test_what_all_have_or_none_is_no_hint(is_lost):
    assert describe_label_hints(lose(is_lost), ("speech", "text", "voice"), ()) == []


def test_where_all_are_labelled_nothing_can_tell():
    turns = lose(lambda is_labelled: ~is_labelled)
    labelled = turns.among(turns)
    assert describe_label_hints(labelled, ("text", "voice"), ()) == []
