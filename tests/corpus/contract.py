"""What every corpus promises: a corpus's own test file inherits from `CorpusContract`.

A subclass gives two fixtures: `corpus`, with two sessions or more, and `faulty_corpus`, the same
kind of corpus with something wrong in its files.
"""

import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.corpus import COLUMNS, MOTION_PARTS, Corpus, Recording
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.errors import CorpusError

#: Motion has so many frames a second.
MOTION_RATE_HZ = 120


def first_dialogue(corpus: Corpus) -> tuple[str, str]:
    """The first session, and its first dialogue."""
    session = corpus.sessions()[0]
    return session, corpus.table(session)["dialogue"].iloc[0]


def contents(corpus: Corpus) -> tuple[pd.DataFrame, str, dict[str, np.ndarray]]:
    """What another process must read, too."""
    session, dialogue = first_dialogue(corpus)
    arrays = {}
    for recording in corpus.recordings(session, dialogue):
        arrays[recording.utterance_id] = recording.samples
        for part, values in {**(recording.motion or {}), **recording.features}.items():
            arrays[f"{recording.utterance_id} {part}"] = values
    return corpus.table(session), corpus.fingerprint(session, Digests()), arrays


def held_modalities(row: "pd.Series[Any]", recording: Recording) -> set[str]:
    """The modalities that an utterance has."""
    held = set(recording.features)
    if isinstance(row["transcript"], str):
        held.add("text")
    if recording.samples is not None:
        held.add("speech")
    if recording.motion is not None:
        held.add("mocap")
    return held


class CorpusContract:
    """The laws of `emotion_hpo.corpus.Corpus`."""

    #: Sessions of `corpus`: with one alone, nothing is shown of how sessions differ.
    fewest_sessions = 2
    #: Motion may be averaged before it is stored; its number of frames then says nothing.
    motion_is_averaged = False

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls) -> Corpus:
        """A small corpus of two sessions or more."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def faulty_corpus(cls) -> Corpus:
        """A corpus of this kind with something wrong in its files."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def another_process(cls) -> Iterator[ProcessPoolExecutor]:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            yield pool

    @pytest.fixture(scope="class")
    @classmethod
    def first_session(cls, corpus) -> tuple[pd.DataFrame, dict[str, Recording]]:
        """The first session's rows and its recordings, both by utterance id."""
        session = corpus.sessions()[0]
        table = corpus.table(session)
        recordings = [
            recording
            for dialogue in table["dialogue"].unique()
            for recording in corpus.recordings(session, dialogue)
        ]
        by_id = {recording.utterance_id: recording for recording in recordings}
        assert len(by_id) == len(recordings), "an utterance is recorded once"
        return table.set_index("utterance_id"), by_id

    def test_sessions_are_sorted_and_divide_the_utterances(self, corpus):
        assert len(corpus.sessions()) >= self.fewest_sessions
        assert corpus.sessions() == tuple(sorted(set(corpus.sessions())))
        ids = pd.concat([corpus.table(session)["utterance_id"] for session in corpus.sessions()])
        assert ids.is_unique

    def test_tables_keep_to_the_schema(self, corpus):
        for session in corpus.sessions():
            table = corpus.table(session)
            assert list(table.columns) == list(COLUMNS)
            assert len(table)
            assert table["utterance_id"].is_monotonic_increasing
            assert set(table["session"]) == {session}
            assert set(table["emotion"].dropna()) <= set(corpus.classes)
            assert table[["dialogue", "speaker"]].notna().all(axis=None)
            timed = table[table["end_s"].notna()]
            assert (timed["end_s"] > timed["start_s"]).all()
            for modality in ("speech", "text", "mocap"):
                assert table[f"has_{modality}"].dtype == bool
                assert modality in corpus.modalities or not table[f"has_{modality}"].any()
            has_words = [isinstance(text, str) and text != "" for text in table["transcript"]]
            assert has_words == table["has_text"].tolist()

    def test_turns_are_numbered_in_the_order_of_time(self, corpus):
        for session in corpus.sessions():
            table = corpus.table(session)
            assert table["emotion"].notna().any()
            assert table["turn"][table["emotion"].isna()].notna().all(), "context has a place"
            for _, rows in table[table["turn"].notna()].groupby("dialogue"):
                in_order = rows.sort_values("turn")
                assert list(in_order["turn"]) == list(range(len(rows)))
                assert in_order["start_s"].is_monotonic_increasing

    def test_a_table_is_the_callers_own(self, corpus):
        session = corpus.sessions()[0]
        before = corpus.table(session).copy()
        changed = corpus.table(session)
        changed.loc[:, "emotion"] = "changed"
        pd.testing.assert_frame_equal(corpus.table(session), before)

    def test_recordings_are_those_of_the_table(self, first_session):
        rows, recordings = first_session
        assert set(recordings) == set(rows.index)
        for utterance_id, recording in recordings.items():
            row = rows.loc[utterance_id]
            assert (recording.samples is not None or "speech" in recording.features) == (
                row["has_speech"]
            )
            assert (recording.motion is not None or "mocap" in recording.features) == (
                row["has_mocap"]
            )

    def test_every_modality_is_held_by_an_utterance_and_no_other_is(self, corpus, first_session):
        rows, recordings = first_session
        held = [
            held_modalities(rows.loc[name], recording) for name, recording in recordings.items()
        ]
        assert set().union(*held) == set(corpus.modalities)
        assert corpus.modalities == tuple(sorted(corpus.modalities))

    def test_sound_is_mono_and_as_long_as_its_utterance(self, corpus, first_session):
        rows, recordings = first_session
        heard = {
            name: recording
            for name, recording in recordings.items()
            if recording.samples is not None
        }
        assert bool(heard) == ("speech" in set(corpus.modalities) - set(corpus.ready_made))
        for utterance_id, recording in heard.items():
            seconds = rows.loc[utterance_id, "end_s"] - rows.loc[utterance_id, "start_s"]
            assert recording.samples.dtype == np.float32
            assert recording.samples.ndim == 1
            assert np.abs(recording.samples).max() <= 1
            length_s = len(recording.samples) / recording.sample_rate_hz
            assert length_s == pytest.approx(seconds, abs=2e-4)

    def test_motion_has_the_width_of_its_parts(self, corpus, first_session):
        rows, recordings = first_session
        moved = {
            name: recording
            for name, recording in recordings.items()
            if recording.motion is not None
        }
        assert bool(moved) == ("mocap" in set(corpus.modalities) - set(corpus.ready_made))
        for utterance_id, recording in moved.items():
            seconds = rows.loc[utterance_id, "end_s"] - rows.loc[utterance_id, "start_s"]
            for part, values in recording.motion.items():
                assert values.dtype == np.float32
                assert values.shape[1] == MOTION_PARTS[part]
                if not self.motion_is_averaged:
                    assert len(values) / MOTION_RATE_HZ == pytest.approx(seconds, abs=0.01)

    def test_ready_made_features_are_of_the_modalities_that_it_announces(
        self, corpus, first_session
    ):
        _, recordings = first_session
        brought = [recording.features for recording in recordings.values()]
        assert set().union(*brought) == set(corpus.ready_made)
        for features in brought:
            for values in features.values():
                assert values.dtype == np.float32
                assert values.ndim in {1, 2}

    def test_another_process_reads_the_same(self, corpus, another_process):
        table, fingerprint, arrays = another_process.submit(contents, corpus).result()
        own_table, own_fingerprint, own_arrays = contents(corpus)
        pd.testing.assert_frame_equal(table, own_table)
        assert fingerprint == own_fingerprint
        assert arrays.keys() == own_arrays.keys() != set()
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, own_arrays[name])

    def test_survives_pickling(self, corpus):
        assert pickle.loads(pickle.dumps(corpus)) == corpus

    def test_sessions_have_their_own_fingerprints(self, corpus):
        prints = {corpus.fingerprint(session, Digests()) for session in corpus.sessions()}
        assert len(prints) == len(corpus.sessions())

    def test_unknown_session_names_the_valid_ones(self, corpus):
        with pytest.raises(CorpusError, match=rf"no session '99'.*{corpus.sessions()[0]}"):
            corpus.table("99")

    def test_unknown_dialogue_is_an_error(self, corpus):
        with pytest.raises(CorpusError, match="no dialogue 'nowhere'"):
            list(corpus.recordings(corpus.sessions()[0], "nowhere"))

    def test_faults_are_named(self, faulty_corpus):
        assert faulty_corpus.faults()
        assert all(fault.kind and fault.place for fault in faulty_corpus.faults())

    def test_remarks_are_lines_that_say_whether_it_is_synthetic(self, corpus):
        assert all(line and "\n" not in line for line in corpus.remarks())
        assert corpus.synthetic == any("synthetic" in line for line in corpus.remarks())
