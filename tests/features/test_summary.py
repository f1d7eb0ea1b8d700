"""The figures of a store."""

import json

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.features import prepare, summary
from emotion_hpo.features.shard import Shard
from emotion_hpo.features.summary import words_without_vectors


@pytest.fixture
def figures(fake_corpus, paper, tmp_path):
    return summary(prepare(fake_corpus(), paper, tmp_path, 1, lambda *_: None))


def test_counts(figures):
    assert figures["corpus"] == "fake"
    assert figures["synthetic"] is True
    assert figures["n_utterances"] == 12
    assert figures["n_by_session_emotion"] == {s: {"ang": 3, "sad": 3} for s in "12"}
    assert figures["n_by_modality"] == {"speech": 10, "mocap": 10, "functionals": 10, "text": 10}
    assert figures["missing"] == {"speech": 2, "mocap": 2, "functionals": 2, "text": 2}
    assert figures["dimensions"] == {"speech": 34, "mocap": 189, "functionals": 882}
    assert figures["n_word_types"] == 7  # five of a number, don't, [laughter]


def test_motion_lost_counts_the_parts_without_a_valid_frame(figures):
    # Of 200 parts of 300 to 305 frames, the first 150 frames fill 75 (100 of two, 100 of one …).
    assert figures["motion_lost"].keys() == {"1", "2"}
    assert 70 / 200 / 189 < figures["motion_lost"]["1"] < 80 / 200 / 189


def test_durations(figures):
    expected = {"median_s": 3.5, "mean_s": 3.5, "p95_s": 6.0, "max_s": 6.0, "hours": 42 / 3600}
    assert figures["durations"] == pytest.approx(expected)


def test_is_json(figures):
    assert json.loads(json.dumps(figures)) == figures


def test_unknown_times_have_no_durations(fake_corpus, paper, tmp_path, monkeypatch):
    corpus_type = type(fake_corpus())
    table = corpus_type.table
    monkeypatch.setattr(corpus_type, "table", lambda self, s: table(self, s).assign(start_s=np.nan))
    figures = summary(prepare(fake_corpus(), paper, tmp_path, 1, lambda *_: None))
    assert set(figures["durations"].values()) == {None}


def with_context(monkeypatch, corpus_type):
    """Make the first turn of each dialogue context."""
    table = corpus_type.table

    def without_emotion(self, session):
        rows = table(self, session)
        return rows.assign(emotion=rows["emotion"].where(rows.index > 1, None))

    monkeypatch.setattr(corpus_type, "table", without_emotion)


def test_context_is_counted_apart(fake_corpus, paper, tmp_path, monkeypatch):
    with_context(monkeypatch, type(fake_corpus()))
    store = prepare(fake_corpus(), paper, tmp_path, 1, lambda *_: None)
    shard = store.open("1")
    assert shard.table["emotion"].isna().tolist() == [True, True, False, False, False, False]
    assert shard.features["speech"].lengths[1] > 0, "what was recorded of context is stored"
    figures = summary(store)
    assert figures["n_utterances"] == 8
    assert figures["n_by_session_emotion"] == {s: {"ang": 2, "sad": 2} for s in "12"}
    assert figures["n_by_modality"] == {"speech": 8, "mocap": 8, "functionals": 8, "text": 6}
    assert figures["missing"] == {"speech": 0, "mocap": 0, "functionals": 0, "text": 2}
    assert figures["n_word_types"] == 5
    assert figures["dialogues"] == {
        "n_dialogues": 4, "n_turns": 12, "n_labelled": 8, "n_followed": 8, "n_overlapping": 8,
        "median_gap_s": -2.5, "p95_gap_s": -1.0,
    }  # fmt: skip
    assert json.loads(json.dumps(figures)) == figures


def test_turns_without_order_are_no_dialogues(fake_corpus, paper, tmp_path, monkeypatch):
    corpus_type = type(fake_corpus())
    table = corpus_type.table
    monkeypatch.setattr(corpus_type, "table", lambda self, s: table(self, s).assign(turn=None))
    store = prepare(fake_corpus(), paper, tmp_path, 1, lambda *_: None)
    assert summary(store)["dialogues"] is None
    path = store.shard_path("1") / "table.parquet"
    pd.read_parquet(path).drop(columns="turn").to_parquet(path)
    assert Shard(path.parent, {**store.open("2").header}).table["turn"].isna().all()


def test_words_without_vectors(fake_corpus, paper, tmp_path):
    store = prepare(fake_corpus(), paper, tmp_path, 1, lambda *_: None)
    path = tmp_path / "vectors.txt"
    path.write_text("don't 1 2\nword1 3 4\nother 5 6\n", "utf-8")
    summary = words_without_vectors(store, path)
    assert summary["n_types"] == 5
    assert summary["n_words"] == 10 + 8
    assert summary["first"][0] == "[laughter]"
