"""Utterances among the turns of their dialogues."""

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.features.utterances import Utterances


class _Shelf:
    extracted = frozenset[str]()

    def __init__(self, n: int) -> None:
        self.features = {"speech": np.arange(n, dtype=np.float32)[:, None, None]}
        emotions = ["sad" if row % 2 else None for row in range(n)]
        ids = [f"t{row}" for row in range(n)]
        self.table = pd.DataFrame(
            {"utterance_id": ids, "emotion": emotions, "transcript": "so good"}
        )


@pytest.fixture
def turns() -> Utterances:
    return Utterances.from_shards((_Shelf(6),), ("sad",))


def test_labelled_rows_are_read_among_all_turns(turns: Utterances) -> None:
    labelled = turns.labelled()
    assert turns.turns is turns
    assert (turns.labels == [-1, 0, -1, 0, -1, 0]).all()
    assert labelled.ids == ["t1", "t3", "t5"]
    assert labelled.turns is turns
    assert labelled.subset(np.array([1])).turns is turns
    assert labelled.labelled() is labelled


def test_a_part_sees_its_own_turns_alone(turns: Utterances) -> None:
    part = turns.labelled().subset(np.array([0])).among(turns.subset(slice(0, 2)))
    assert part.turns.ids == ["t0", "t1"]
    with pytest.raises(ValueError, match="t3 is not among the turns"):
        turns.labelled().among(turns.subset(slice(0, 2)))


def test_a_modality_is_hidden_of_every_turn(turns: Utterances) -> None:
    labelled = turns.labelled()
    assert not len(labelled.without("speech").turns.sequence("speech", 0))
    assert labelled.without("text").turns.table["transcript"].isna().all()
    assert len(labelled.turns.sequence("speech", 0))


def test_other_words_are_read_of_every_turn(turns: Utterances) -> None:
    labelled = turns.labelled()
    said = {name: f"said {name}" for name in turns.ids} | {"t3": None}
    vectors = {f"t{row}": np.full((1, 1), 10 + row, np.float32) for row in range(5)}
    changed = labelled.with_words(said, {"speech": vectors})
    assert changed.ids == labelled.ids
    assert list(changed.table["transcript"]) == ["said t1", None, "said t5"]
    assert list(changed.turns.table["transcript"]) == [said[name] for name in turns.ids]
    assert [changed.sequence("speech", row).tolist() for row in (0, 1)] == [[[11.0]], [[13.0]]]
    assert changed.sequence("speech", 2).shape == (0, 1), "t5 has none any more"
    assert changed.turns.sequence("speech", 4).tolist() == [[14.0]]
    assert list(labelled.table["transcript"]) == ["so good"] * 3
    assert turns.with_words(said, {}).subset(np.array([1])).ids == ["t1"]
