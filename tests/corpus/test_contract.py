"""What every corpus promises, one class of laws for all of them."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.corpus import COLUMNS, MOTION_PARTS, Corpus
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.errors import CorpusError


def first_dialogue(corpus: Corpus) -> tuple[str, str]:
    session = corpus.sessions()[0]
    return session, corpus.table(session)["dialogue"].iloc[0]


def contents(corpus: Corpus) -> tuple[pd.DataFrame, str, dict[str, np.ndarray]]:
    """What another process must find too."""
    session, dialogue = first_dialogue(corpus)
    recorded = {}
    for recording in corpus.recordings(session, dialogue):
        recorded[recording.utterance_id] = recording.samples
        for part, values in (recording.motion or {}).items():
            recorded[f"{recording.utterance_id} {part}"] = values
    return corpus.table(session), corpus.fingerprint(session, Digests()), recorded


@pytest.fixture(scope="module")
def another_process():
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


class TestCorpus:
    def test_sessions_are_sorted_and_hold_the_whole_corpus(self, corpus):
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
            assert set(table["emotion"]) <= set(corpus.classes)
            assert table[["dialogue", "speaker"]].notna().all(axis=None)
            assert (table["end_s"] > table["start_s"]).all()
            for modality in ("speech", "text", "mocap"):
                assert table[f"has_{modality}"].dtype == bool
                assert modality in corpus.modalities or not table[f"has_{modality}"].any()
            assert (table["transcript"].str.len() > 0).equals(table["has_text"])

    def test_a_table_is_the_callers_own(self, corpus):
        session = corpus.sessions()[0]
        before = corpus.table(session).copy()
        mine = corpus.table(session)
        mine.loc[:, "emotion"] = "changed"
        pd.testing.assert_frame_equal(corpus.table(session), before)

    def test_recordings_are_those_of_the_table(self, corpus):
        session, dialogue = first_dialogue(corpus)
        table = corpus.table(session)
        rows = table[table["dialogue"] == dialogue].set_index("utterance_id")
        recordings = {one.utterance_id: one for one in corpus.recordings(session, dialogue)}
        assert set(recordings) == set(rows.index)
        for name, one in recordings.items():
            seconds = rows.loc[name, "end_s"] - rows.loc[name, "start_s"]
            assert one.samples.dtype == np.float32
            assert one.samples.ndim == 1
            assert np.abs(one.samples).max() <= 1
            assert len(one.samples) / one.sample_rate_hz == pytest.approx(seconds, abs=2e-4)
            assert (one.motion is not None) == rows.loc[name, "has_mocap"]
            for part, values in (one.motion or {}).items():
                assert values.dtype == np.float32
                assert values.shape[1] == MOTION_PARTS[part]
                if corpus.name == "collected":  # averaged when it was pickled
                    seconds = len(values) / 120
                assert len(values) / 120 == pytest.approx(seconds, abs=0.01)

    def test_another_process_finds_the_same(self, corpus, another_process):
        table, fingerprint, recorded = another_process.submit(contents, corpus).result()
        here = contents(corpus)
        pd.testing.assert_frame_equal(table, here[0])
        assert fingerprint == here[1]
        assert recorded.keys() == here[2].keys()
        for name, values in recorded.items():
            np.testing.assert_array_equal(values, here[2][name])

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

    def test_faults_are_named(self, corpus):
        assert all(fault.kind and fault.place for fault in corpus.faults())

    def test_remarks_are_lines(self, corpus):
        assert all(line and "\n" not in line for line in corpus.remarks())
        assert corpus.synthetic == any("synthetic" in line for line in corpus.remarks())
