"""Batches of dialogues: every turn read once, every labelled one answered once."""

import numpy as np
import pandas as pd
import pytest
import torch

from emotion_hpo.dataset import DialogueDataset, Preprocessor, ResidentDataset
from emotion_hpo.dataset import dialogues as dialogues_module
from emotion_hpo.dataset.dialogues import pack, read_turns
from tests.dialogues import LENGTHS, make_config, make_shelf, make_turns

MODALITIES = ("text", "speech", "voice")


@pytest.fixture(scope="module")
def turns():
    return make_turns(make_shelf())


@pytest.fixture(scope="module")
def preprocessor(turns) -> Preprocessor:
    features = make_config().features
    return Preprocessor.fit(turns.labelled(), features, MODALITIES, in_dialogues=True)


@pytest.fixture(scope="module")
def data(turns, preprocessor) -> DialogueDataset:
    return preprocessor.transform(turns.labelled())


def rows_of(batches) -> list[int]:
    return [int(row) for batch in batches for row in batch.rows]


def test_the_data_set_is_the_labelled_utterances(turns, data):
    labelled = turns.labelled()
    assert isinstance(data, DialogueDataset)
    assert len(data) == len(labelled) < len(turns)
    assert data.labels.tolist() == labelled.labels.tolist()
    assert data.utterances.ids == labelled.ids
    words = labelled.table["transcript"].str.split().map(len)
    assert data.n_steps["text"].tolist() == words.tolist()
    assert all(is_present.all() for is_present in data.presence().values())


def test_an_epoch_answers_every_labelled_turn_once_in_an_order_of_its_seed(data):
    for batches in (data.epoch(12, 1, [0, 1]), data.in_order(8)):
        assert sorted(rows_of(batches)) == list(range(len(data)))
    assert rows_of(data.epoch(12, 1, [0, 1])) == rows_of(data.epoch(12, 9, [0, 1]))
    assert rows_of(data.epoch(12, 1, [0, 1])) != rows_of(data.epoch(12, 1, [0, 2]))


@pytest.mark.parametrize("n_turns", [1, 6, 12, 100])
def test_batches_hold_whole_dialogues_under_a_cap(data, n_turns):
    sizes = []
    for batch in data.epoch(n_turns, 1, [0, 0]):
        mask = batch.dialogues.order.mask
        assert int(mask.sum()) <= n_turns or len(mask) == 1
        assert sum(len(part["voice"].present) for part in batch.dialogues.buckets) == mask.sum()
        sizes += mask.sum(1).tolist()
        assert torch.equal(batch.labels, data.labels[batch.rows])
    assert set(sizes) <= set(LENGTHS)


def test_turns_stand_in_order_beside_their_features(turns, data):
    """Ids number each speaker apart: by id, turns would be in another order."""
    table = turns.table.set_index("utterance_id")
    for batch in data.epoch(12, 1, [0, 0]):
        dialogues = batch.dialogues
        voices = [part["voice"] for part in dialogues.buckets]
        values = torch.cat([sequence.values[:, 0] for sequence in voices])  # noqa: PD011 (tensors)
        read = values[dialogues.places][dialogues.order.mask][:, 0]
        expected = []
        own = data.utterances.table["dialogue"].iloc[batch.rows.numpy()]
        for name in dict.fromkeys(own):
            ids = table[table["dialogue"] == name].sort_values("turn").index
            rows = turns.table.index[turns.table["utterance_id"].isin(ids)]
            by_id = dict(zip(turns.table["utterance_id"][rows], rows, strict=True))
            rows_in_order = np.array([by_id[key] for key in ids])
            sequence = data.turns.batch(rows_in_order).modalities["voice"]
            expected.append(sequence.values[:, 0, 0])  # noqa: PD011 (a tensor)
        assert torch.equal(read, torch.cat(expected))


@pytest.mark.parametrize("reads", ["all", "past", "alone"])
def test_batches_on_a_device_are_the_same(data, reads):
    there = data.reading(reads).reading_from(ResidentDataset(data.turns, torch.device("cpu")))
    for draw in ("epoch", "in_order"):
        arguments = (12, 1, [0, 1]) if draw == "epoch" else (12,)
        batches = (getattr(source, draw)(*arguments) for source in (data.reading(reads), there))
        for ours, theirs in zip(*batches, strict=True):
            assert torch.equal(ours.rows, theirs.rows)
            assert torch.equal(ours.dialogues.places, theirs.dialogues.places)
            assert torch.equal(ours.dialogues.answered, theirs.dialogues.answered)
            pairs = zip(ours.dialogues.buckets, theirs.dialogues.buckets, strict=True)
            for our_part, their_part in pairs:
                for name in MODALITIES:
                    assert torch.equal(our_part[name].values, their_part[name].values)


def test_rows_of_the_past_are_divided_where_they_are_many(data, monkeypatch):
    """A long dialogue's rows grow with the square of its turns."""
    whole = [int(row) for batch in data.reading("past").in_order(64) for row in batch.rows]
    monkeypatch.setattr(dialogues_module, "_IN_ROWS", 10)
    batches = [*data.reading("past").in_order(64)]
    assert [int(row) for batch in batches for row in batch.rows] == whole
    for batch in batches:
        mask = batch.dialogues.order.mask
        assert int(mask.sum()) <= 10 or len(mask) == 1
        assert len(batch) == len(mask), "the last of each row, and no other, is answered"


def test_no_input_tells_which_turns_have_a_label(turns, preprocessor):
    """The same turns, all labelled or the first of each dialogue: a network reads the same."""
    is_first = turns.table["turn"] == 0
    ours, theirs = (
        preprocessor.transform(with_labels(turns, has_label).labelled())
        for has_label in (is_first, is_first | True)
    )
    assert len(ours) == len(LENGTHS) < len(theirs) == len(turns)
    for batch_few, batch_all in zip(ours.in_order(64), theirs.in_order(64), strict=True):
        assert torch.equal(batch_few.dialogues.places, batch_all.dialogues.places)
        for part in ("mask", "speakers", "gaps_s"):
            parts = (getattr(batch.dialogues.order, part) for batch in (batch_few, batch_all))
            assert torch.equal(*parts)
        pairs = zip(batch_few.dialogues.buckets, batch_all.dialogues.buckets, strict=True)
        assert all(
            torch.equal(first[name].values, second[name].values)
            for first, second in pairs
            for name in MODALITIES
        )


def with_labels(turns, has_label):
    table = turns.table.assign(emotion=np.where(has_label, "ang", None))
    return type(turns)(table, turns.classes, turns._shards, turns._places)


def test_the_preprocessor_is_fitted_on_every_turn(turns):
    features = make_config().features
    labelled = turns.labelled()
    alone = Preprocessor.fit(labelled, features, MODALITIES)
    among = Preprocessor.fit(labelled, features, MODALITIES, in_dialogues=True)
    every = Preprocessor.fit(turns, features, MODALITIES)
    means = [each.readers["voice"].corpus.mean for each in (alone, among, every)]
    assert not np.allclose(means[0], means[1])
    assert np.array_equal(means[1], means[2])


TABLE = pd.DataFrame(
    {
        "session": "1",
        "dialogue": ["a", "a", "a", "b", None],
        "speaker": ["x", "y", None, "x", "x"],
        "turn": [2, 0, 1, 0, None],
        "start_s": [9.0, 0.0, 4.0, 1.0, 5.0],
        "end_s": [10.0, 5.0, None, 2.0, 6.0],
    }
)


@pytest.mark.parametrize(
    ("changes", "dialogues", "gaps", "why"),
    [
        ({}, [[1, 2, 0], [3], [4]], [0, 0, -1, 0, 0], "in the order of turn; an end is unknown"),
        ({"turn": None}, [[0], [1], [2], [3], [4]], [0] * 5, "the corpus tells no order"),
        ({"turn": [0, None, 1, 0, 3]}, [[0, 2], [3], [1], [4]], [0, 0, -6, 0, 0], "one has none"),
        ({"session": ["1", "2", "1", "1", "1"]}, [[2, 0], [3], [1], [4]], [0] * 5, "two sessions"),
    ],
)
def test_turns_of_a_table(changes, dialogues, gaps, why):
    speakers, gaps_s, placed = read_turns(TABLE.assign(**changes))
    assert sorted(map(list, placed)) == sorted(dialogues), why
    assert gaps_s.tolist() == gaps, why
    assert speakers.tolist() == [0, 1, -1, 0, 0]


def test_a_table_without_a_column_of_turns_runs_by_start():
    _, gaps_s, placed = read_turns(TABLE.drop(columns="turn"))
    assert sorted(map(list, placed)) == [[1, 2, 0], [3], [4]]
    assert gaps_s.tolist() == [0, 0, -1, 0, 0]
    _, _, placed = read_turns(TABLE.drop(columns=["turn", "start_s"]))
    assert sorted(map(list, placed)) == [[0], [1], [2], [3], [4]]


def test_a_table_without_dialogues_is_of_lone_turns():
    _, _, placed = read_turns(pd.DataFrame({"speaker": ["a", "b"]}))
    assert sorted(map(list, placed)) == [[0], [1]]


def test_packing_leaves_no_dialogue_out():
    dialogues = [np.arange(n) for n in (3, 9, 2, 2, 5)]
    assert [[len(turns) for turns in batch] for batch in pack(dialogues, 7)] == [
        [3], [9], [2, 2], [5]
    ]  # fmt: skip


def test_times_of_recordings_of_their_own_are_no_gaps():
    table = pd.DataFrame({"dialogue": "d", "turn": [0, 1, 2], "start_s": 0.0, "end_s": [3.0, 2, 4]})
    assert read_turns(table)[1].tolist() == [0, 0, 0]
    table["start_s"] = [0.0, 4.0, 7.0]
    table["end_s"] = [3.0, 6.0, 9.0]
    assert read_turns(table)[1].tolist() == [0, 1, 1]


def test_a_lost_recording_makes_no_gaps_of_the_others_times():
    starts = [0.0, None, 0.0, 0.0]
    table = pd.DataFrame(
        {"dialogue": "d", "turn": range(4), "start_s": starts, "end_s": [3, None, 4, 2]}
    )
    assert read_turns(table)[1].tolist() == [0, 0, 0, 0]


def test_times_that_are_far_apart_are_a_long_gap():
    table = pd.DataFrame({"dialogue": "d", "turn": range(3), "start_s": [0.0, 1e308, -1e308]})
    table["end_s"] = table["start_s"] + 1
    assert read_turns(table)[1].tolist() == [0, 1e6, -1e6]


@pytest.mark.parametrize("starts", [(0, 0, 5, 5), (None, 1, 1, 4), (0, 2, None, 3), (7, 7, 7, 7)])
def test_a_gap_depends_on_no_later_turn(starts):
    table = pd.DataFrame({"dialogue": "d", "turn": range(4), "start_s": starts})
    table["end_s"] = table["start_s"] + [3, 1, 2, 1]
    whole = read_turns(table)[1]
    for n in range(1, 4):
        assert read_turns(table.iloc[:n])[1].tolist() == whole[:n].tolist()
