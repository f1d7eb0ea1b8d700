"""What is refused as an utterance table, and what the message says."""

import pandas as pd
import pytest

from emotion_hpo.corpus import COLUMNS, validate_table
from emotion_hpo.errors import CorpusError


def table(**changes) -> pd.DataFrame:
    columns = {
        "utterance_id": ["b", "a"], "session": "1", "dialogue": "d", "speaker": "s",
        "emotion": ["sad", "ang"], "start_s": 0.0, "end_s": [2.0, 1.0],
    }  # fmt: skip
    return pd.DataFrame({**columns, **changes})


def test_rows_are_sorted_and_columns_complete():
    rows = validate_table(table(), ("ang", "sad"), "here")
    assert list(rows.columns) == list(COLUMNS)
    assert list(rows["utterance_id"]) == ["a", "b"]


@pytest.mark.parametrize(("changed", "message"), [
    (table().drop(columns=["speaker"]), "here: the utterance table lacks speaker"),
    (table(colour="red"), "here: the utterance table has unknown columns colour"),
    (table(utterance_id="a"), "here: a occur more than once"),
    (table(emotion=["sad", "joy"]), "here: a have an emotion outside ang, sad"),
    (table(end_s=[2.0, 0.0]), "here: a end before they start"),
    (table(turn=3), "here: a, b have the turn of another in their dialogue"),
    (table(emotion=["sad", None], start_s=[0.0, None]), "here: a have no emotion, so that they"),
    (table(emotion=["sad", None], start_s=[None, 0.0]), "here: a have no emotion, .* no place"),
    (table(emotion=["sad", None], dialogue=["d", None]), "here: a have no emotion, .* no place"),
    (table(emotion=["sad", None], turn=None), "here: a have no emotion, .* dialogue and start_s"),
])  # fmt: skip
def test_bad_tables(changed, message):
    with pytest.raises(CorpusError, match=message):
        validate_table(changed, ("ang", "sad"), "here")


def test_turns_are_numbered_by_start_or_as_given_and_ties_by_id():
    classes = ("ang", "sad")
    assert list(validate_table(table(), classes, "here")["turn"]) == [0, 1]
    later = validate_table(table(start_s=[0.0, 0.5], emotion=["sad", None]), classes, "here")
    assert list(later["turn"]) == [1, 0]
    assert later["emotion"].isna().tolist() == [True, False]
    assert list(validate_table(table(turn=[4, 9]), classes, "here")["turn"]) == [1, 0]
    apart = table(turn=3, session=["1", "2"])
    assert list(validate_table(apart, classes, "here")["turn"]) == [0, 0], "a session's own"
    assert validate_table(table(turn=None), classes, "here")["turn"].isna().all()
    unknown = table(start_s=[0.0, None], dialogue=["d", "e"])
    assert validate_table(unknown, classes, "here")["turn"].isna().tolist() == [True, False]


def test_only_the_first_rows_are_named():
    ids = [f"u{i:02d}" for i in range(13)]
    many = pd.DataFrame({
        "utterance_id": ids, "session": "1", "dialogue": "d", "speaker": "s", "emotion": "joy"
    })  # fmt: skip
    with pytest.raises(CorpusError, match=r"u00, .*u09 and 3 more have an emotion outside"):
        validate_table(many, ("ang",), "here")
