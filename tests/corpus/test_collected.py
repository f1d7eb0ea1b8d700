"""The reference's pickle: read as data, whoever wrote it; what runs code is refused by name."""

import os
import pickle
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotion_hpo.corpus.pickled import read_pickle
from emotion_hpo.errors import CorpusError
from emotion_hpo.features.mocap import parts
from tests.corpus.collecting import entries, opened, write_pickle
from tests.corpus.contract import CorpusContract


@pytest.fixture(scope="module")
def collected(small_twin):
    return entries(small_twin)


@pytest.mark.parametrize(("protocol", "old"), [(2, True), (3, True), (4, False), (5, False)])
def test_every_protocol_gives_the_twin(small_twin, collected, tmp_path, protocol, old):
    corpus = opened(write_pickle(tmp_path / "data.pickle", collected, protocol, old=old))
    assert corpus.sessions() == small_twin.sessions()
    for session in corpus.sessions():
        pd.testing.assert_frame_equal(corpus.table(session), small_twin.table(session))
    assert corpus.faults() == ()
    dialogue = corpus.table("1")["dialogue"].iloc[0]
    written = {
        recording.utterance_id: recording for recording in small_twin.recordings("1", dialogue)
    }
    for recording in corpus.recordings("1", dialogue):
        np.testing.assert_allclose(
            recording.samples, written[recording.utterance_id].samples, atol=1.01 / 2**15
        )
        expected = np.nan_to_num(parts(written[recording.utterance_id].motion))
        np.testing.assert_allclose(np.nan_to_num(parts(recording.motion)), expected, rtol=1e-6)


class Runs:
    """Asks for a function of choice when it is unpickled."""

    def __init__(self, function, *arguments):
        self.asked = function, arguments

    def __reduce__(self):
        return self.asked


@pytest.mark.parametrize(
    ("evil", "name"),
    [
        (Runs(os.system, "touch owned"), r"posix\.system"),
        (Runs(eval, "1"), r"(builtins|__builtin__)\.eval"),
        (Runs(subprocess.Popen, ["touch", "owned"]), r"(subprocess|commands)\.Popen"),
        (Runs(getattr, "x", "upper"), r"(builtins|__builtin__)\.getattr"),
        (Runs(np.load, "owned"), r"numpy\S*load"),
        (Runs(np.memmap, "owned"), r"numpy\S*memmap"),
        (pickle.PickleBuffer, r"_?pickle\.PickleBuffer"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_code_is_refused_by_name(tmp_path, monkeypatch, evil, name, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data.pickle"
    path.write_bytes(pickle.dumps([{"id": evil}], protocol=protocol))
    with pytest.raises(CorpusError, match=f"asks for ({name}), which no corpus needs"):
        opened(path)
    assert not (tmp_path / "owned").exists()


def changed(entry, **values):
    return {**entry, **values}


FAULTS = [
    # what is changed in the first entry, kind of fault, modality that is lost
    ({"signal": np.zeros(0, "i2")}, "no samples", "speech"),
    ({"transcription": " "}, "label without transcript", "text"),
    ({"mocap_hand": np.zeros((200, 18))}, "hand motion is all zeros, left out", None),
    ({"mocap_hand": np.ones((200, 17))}, "hand motion of shape (200, 17), left out", None),
    ({"mocap_rot": []}, "no face motion", None),
]


@pytest.mark.parametrize(("change", "kind", "lost"), FAULTS)
def test_faults_are_counted(collected, tmp_path, change, kind, lost):
    first = collected[0]
    content = [changed(first, **change), *collected[1:]]
    corpus = opened(write_pickle(tmp_path / "data.pickle", content))
    assert [(fault.kind, fault.place.split(", ")[1]) for fault in corpus.faults()] == [
        (kind, first["id"])
    ]
    row = corpus.table("1").iloc[0]
    assert {name for name in ("speech", "text", "mocap") if not row[f"has_{name}"]} == (
        {lost} if lost else set()
    )
    assert len(next(corpus.recordings("1", row["dialogue"])).motion) == (3 if lost else 2)
    with pytest.raises(CorpusError, match=first["id"]):
        opened(tmp_path / "data.pickle", strict=True)


def test_borrowed_motion_is_absent(collected, tmp_path):
    borrowed = changed(collected[-1], id="Ses05M_script01_1b_F000")
    corpus = opened(write_pickle(tmp_path / "data.pickle", [*collected[:-1], borrowed]))
    row = corpus.table("5").set_index("utterance_id").loc["Ses05M_script01_1b_F000"]
    assert not row["has_mocap"]
    assert next(corpus.recordings("5", "Ses05M_script01_1b")).motion is None
    assert {fault.kind for fault in corpus.faults()} == {"motion of another dialogue, left out"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param([], "holds no list of utterances", id="empty"),
        pytest.param([1], "entry 0: a dict with id, emotion, start, end is needed", id="no dict"),
        pytest.param(
            [{"id": "a", "emotion": "ang", "start": 0, "end": 1}], "'a' is no id", id="id"
        ),
        pytest.param(
            [{"id": "Ses01F_impro01_F000", "emotion": 1, "start": 0, "end": 1}],
            "the emotion is no word",
            id="emotion",
        ),
        pytest.param(
            [{"id": "Ses01F_impro01_F000", "emotion": "ang", "start": "0", "end": 1}],
            "start and end are no numbers",
            id="start",
        ),
    ],
)
def test_bad_entries(tmp_path, content, message):
    path = tmp_path / "data.pickle"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(CorpusError, match=message):
        opened(path)


def test_no_pickle(tmp_path):
    path = tmp_path / "data.pickle"
    with pytest.raises(CorpusError, match="No such file"):
        opened(path)
    path.write_bytes(b"no pickle")
    with pytest.raises(CorpusError, match="is no pickle of arrays"):
        opened(path)


def test_a_large_array_stays_in_the_file(tmp_path):
    path = tmp_path / "data.pickle"
    path.write_bytes(pickle.dumps({"a": np.arange(1e5)}, protocol=4))
    array = read_pickle(path)["a"]
    assert isinstance(array.load(), np.memmap)
    np.testing.assert_array_equal(array.load(), np.arange(1e5))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorpusError, match="is no pickle"):
        read_pickle(path)


WHOLE = pickle.dumps([{"id": np.float64(1), "a": np.arange(9), "b": {"c": ({1}, b"x")}}])


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=st.integers(0, len(WHOLE)), what=st.binary(max_size=6), skip=st.integers(0, 6))
def test_damaged_pickles(tmp_path, where, what, skip):
    path = tmp_path / "data.pickle"
    path.write_bytes(WHOLE[:where] + what + WHOLE[where + skip :])
    try:
        read_pickle(path)
    except CorpusError:
        return


class TestContract(CorpusContract):
    motion_is_averaged = True

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, collected, tmp_path_factory):
        path = tmp_path_factory.mktemp("collected") / "data_collected.pickle"
        return opened(write_pickle(path, collected))

    @pytest.fixture(scope="class")
    @classmethod
    def faulty_corpus(cls, collected, tmp_path_factory):
        path = tmp_path_factory.mktemp("faulty") / "data_collected.pickle"
        return opened(write_pickle(path, [changed(collected[0], signal=[]), *collected[1:]]))
