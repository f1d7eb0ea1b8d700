"""The store: what comes back, when it is found again, and that damage is noticed and mended."""

import json
import multiprocessing
import pickle
import shutil
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.config import FeaturesConfig, TwinCorpus, build, dump
from emotion_hpo.corpus import Fault, open_corpus
from emotion_hpo.errors import FeatureError
from emotion_hpo.features import prepare
from emotion_hpo.features.extraction import extract_dialogue
from emotion_hpo.features.finished import finished_folder
from emotion_hpo.features.marks import compute_marks
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.shard import find_damage
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.writing import damaged_folder


def quiet(done: int, total: int, what: str) -> None:
    pass


@pytest.fixture
def store(fake_corpus, paper, tmp_path):
    return prepare(fake_corpus(), paper, tmp_path, 1, quiet)


def test_what_went_in_comes_out(fake_corpus, paper, store):
    corpus = fake_corpus()
    assert store.sessions == ("1", "2")
    for session in store.sessions:
        shard = store.open(session)
        held = {f"has_{name}": shard.features[name].lengths > 0 for name in ("speech", "mocap")}
        pd.testing.assert_frame_equal(
            shard.table,
            corpus.table(session).assign(**held),
            check_dtype=False,
            check_like=False,
        )
        extracted = {
            utterance.utterance_id: utterance.arrays
            for dialogue in shard.table["dialogue"].unique()
            for utterance in extract_dialogue(corpus, Encoders(paper), session, dialogue, {})
        }
        assert set(shard.features) == {"speech", "mocap", "functionals"}
        for modality, ragged in shard.features.items():
            assert len(ragged) == len(shard.table)
            assert ragged[0].dtype == np.float32
            for row, id_ in enumerate(shard.table["utterance_id"]):
                expected = extracted[id_].get(modality)
                n_frames = 0 if expected is None else len(expected)
                assert ragged.lengths[row] == n_frames
                if expected is not None:
                    np.testing.assert_array_equal(ragged[row], expected)


def test_marks_of_its_recordings_are_stored(fake_corpus, store):
    for session in store.sessions:
        shard = store.open(session)
        recordings = [
            recording
            for dialogue in shard.table["dialogue"].unique()
            for recording in fake_corpus().recordings(session, dialogue)
        ]
        assert any(shard.marks.values())
        assert shard.marks == {
            recording.utterance_id: compute_marks(recording) for recording in recordings
        }


def test_values_are_read_only(store):
    with pytest.raises(ValueError, match="read-only"):
        store.open("1").features["speech"][1][:] = 0


def test_a_pickled_shard_carries_no_values(store):
    shard = store.open("1")
    before = shard.features["mocap"][2].copy()
    carried = pickle.dumps(shard.features["mocap"])
    assert len(carried) < 1000
    np.testing.assert_array_equal(pickle.loads(carried)[2], before)


def test_any_number_of_workers_gives_the_same_bytes(paper, tmp_path):
    corpus = open_corpus(TwinCorpus(name="twin", seed=0, scale=0.005))
    stores = [prepare(corpus, paper, tmp_path / str(n), n, quiet) for n in (1, 2)]
    for session in corpus.sessions():
        first, second = (store.shard_path(session) for store in stores)
        names = sorted(path.name for path in first.iterdir())
        assert names == sorted(path.name for path in second.iterdir())
        assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_finds_its_shards_again(fake_corpus, paper, store, tmp_path, monkeypatch):
    monkeypatch.setattr("emotion_hpo.features.store._make", lambda *_: pytest.fail("made anew"))
    assert prepare(fake_corpus(), paper, tmp_path, 2, quiet) == store


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"speech": {"max_frames": 5}}, True, id="how arrays are read"),
        pytest.param({"text": {"min_count": 3}}, True, id="the vocabulary"),
        pytest.param({"text_factors": {"components": 9}}, True, id="what training fits to words"),
        pytest.param({"speech": {"window_s": 0.1}}, False, id="how speech is extracted"),
        pytest.param({"mocap": {"n_parts": 20}}, False, id="how motion is extracted"),
    ],
)
def test_a_key_changes_with_what_is_stored(fake_corpus, paper, store, tmp_path, change, same):
    plain = dump(paper)
    changed = {name: (plain[name] or {}) | update for name, update in change.items()}
    other = prepare(fake_corpus(), build(FeaturesConfig, plain | changed), tmp_path, 1, quiet)
    assert (other.keys == store.keys) == same


def test_settings_of_a_modality_that_is_not_there_do_not_matter(fake_corpus, paper, tmp_path):
    corpus = fake_corpus(modalities=("speech",))
    mocap = paper.mocap.model_copy(update={"n_parts": 7})
    stores = [
        prepare(corpus, config, tmp_path, 1, quiet)
        for config in (paper, paper.model_copy(update={"mocap": mocap}))
    ]
    assert stores[0].keys == stores[1].keys


def test_a_changed_corpus_has_other_keys(fake_corpus, paper, store, tmp_path):
    other = prepare(fake_corpus(seed=1), paper, tmp_path, 1, quiet)
    assert not set(store.keys.values()) & set(other.keys.values())
    assert store.open("1").session == other.open("1").session == "1"


def test_a_shard_opens_when_all_others_are_gone(store):
    shutil.rmtree(store.shard_path("2"))
    assert len(store.open("1").table) == 6
    with pytest.raises(FeatureError, match="is missing; `emotion-hpo prepare` makes it anew"):
        store.open("2")


def test_ready_made_features(fake_corpus, paper, tmp_path):
    corpus = fake_corpus(modalities=("speech", "video"), features=("video",))
    ragged = prepare(corpus, paper, tmp_path, 1, quiet).open("1").features["video"]
    assert ragged.dimensions == 3
    assert ragged.lengths.tolist() == [0, 1, 2, 3, 4, 5]


def test_names_of_sessions_are_any(fake_corpus, paper, tmp_path):
    corpus = fake_corpus(name="../my corpus", prefix="a/b ")
    store = prepare(corpus, paper, tmp_path / "in", 1, quiet)
    assert len(store.open("a/b 1").table) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-8])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


DAMAGE = [
    pytest.param("speech.f32", cut, "has .* bytes where .* were written", True, id="cut"),
    pytest.param("mocap.f32", flip, "checksum differs", False, id="a flipped bit"),
    pytest.param("speech.offsets.npy", flip, "checksum differs", True, id="offsets"),
    pytest.param("table.parquet", lambda path: path.unlink(), "is missing", True, id="missing"),
    pytest.param("shard.json", cut, "cannot be read", True, id="header"),
    pytest.param("shard.json", lambda path: path.write_text("[]"), "cannot", True, id="no header"),
]


@pytest.mark.parametrize(("name", "harm", "message", "at_open"), DAMAGE)
def test_damage_is_found_and_mended(
    fake_corpus, paper, store, tmp_path, said, listen, name, harm, message, at_open
):
    path = store.shard_path("2")
    whole = {file.name: file.read_bytes() for file in path.iterdir()}
    harm(path / name)
    if at_open:
        with pytest.raises(FeatureError, match=message):
            store.open("2")
    prepare(fake_corpus(), paper, tmp_path, 1, listen)
    assert said[0].startswith("session 2: ")
    assert said[0].endswith("; it is made anew")
    assert [what for what in said[1:] if what.startswith("session 1")] == []
    assert {file.name: file.read_bytes() for file in path.iterdir()} == whole
    assert sorted(p.name for p in path.parent.iterdir() if p.name != ".locks") == sorted(
        store.shard_path(session).name for session in store.sessions
    )


def test_what_a_killed_process_left_is_swept_away(fake_corpus, paper, tmp_path):
    store = prepare(fake_corpus(), paper, tmp_path, 1, quiet)
    path = store.shard_path("1")
    partial = path.with_name(f".{path.name}.partial")
    path.rename(partial)
    prepare(fake_corpus(), paper, tmp_path, 1, quiet)
    assert find_damage(path, store.keys["1"], checksums=True) is None
    assert not partial.exists()


@pytest.mark.parametrize("folder", [damaged_folder, finished_folder])
def test_what_lies_beside_a_whole_shard_is_swept_away(fake_corpus, paper, store, tmp_path, folder):
    left = folder(store.shard_path("1"))
    left.mkdir()
    prepare(fake_corpus(), paper, tmp_path, 1, quiet)
    assert not left.exists()


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_bad_recording_is_named_and_leaves_the_rest(
    fake_corpus, paper, tmp_path, n_workers, said, listen
):
    corpus = fake_corpus(fails_at="S2_003")
    store = prepare(corpus, paper, tmp_path, n_workers, listen)
    reason = "no speech: the waveform holds samples that are not finite"
    assert store.faults() == (Fault(reason, "S2_003"),)
    assert said[-1] == "1 fault of the corpus's files, which `emotion-hpo prepare` names"
    bad = store.open("2")
    assert bad.features["speech"].lengths[3] == 0
    assert bad.table["has_speech"].tolist() == [False, True, True, False, True, True]
    assert bad.features["mocap"].lengths[3] == 200, "its motion is of use"
    assert prepare(corpus, paper, tmp_path, 1, quiet).faults() == store.faults(), "kept"


@pytest.mark.parametrize(
    ("values", "n_frames", "kind"),
    [
        (np.full((2, 3), np.nan), 0, "no video: no value of the ready-made features is finite"),
        (np.full(3, -np.inf), 0, "no video: no value of the ready-made features is finite"),
        (np.zeros((0, 3)), 0, "no video: the ready-made features have no frame"),
        (
            np.array([[1, np.inf, 3], [np.nan] * 3]),
            2,
            "ready-made video with values that are not finite, masked",
        ),
    ],
)
def test_what_is_not_finite_is_lost(fake_corpus, paper, tmp_path, values, n_frames, kind):
    corpus = fake_corpus(modalities=("video",), features=("video",))
    recordings = type(corpus).recordings

    def with_bad_values(self, session, dialogue):
        for recording in recordings(self, session, dialogue):
            if recording.utterance_id == "S1_002":
                features = {"video": values}
                yield replace(recording, features=features, sources={"video": "v.npz"})
            else:
                yield recording

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(corpus), "recordings", with_bad_values)
        store = prepare(corpus, paper, tmp_path, 1, quiet)
    assert store.faults() == (Fault(kind, "v.npz, S1_002"),)
    stored = store.open("1").features["video"]
    assert stored.lengths.tolist() == [0, 1, n_frames, 3, 4, 5]
    assert not np.isinf(stored.values).any()


def test_a_worker_that_dies_is_reported(fake_corpus, paper, tmp_path):
    with pytest.raises(FeatureError, match="session 2: a worker process died"):
        prepare(fake_corpus(kills_at="S2_003"), paper, tmp_path, 2, quiet)


@pytest.mark.parametrize("step", ["_Values.append", "_Values.finish", "_make_durable"])
def test_a_full_disk_leaves_the_old_store_whole(
    fake_corpus, paper, store, tmp_path, monkeypatch, step
):
    def full(*_):
        raise OSError(28, "No space left on device")

    flip(store.shard_path("1") / "mocap.f32")
    before = {p: p.read_bytes() for p in store.directory.rglob("*") if p.is_file()}
    monkeypatch.setattr(f"emotion_hpo.features.writing.{step}", full)
    with pytest.raises(FeatureError, match=r"the disk is full; what was stored before is whole"):
        prepare(fake_corpus(), paper, tmp_path, 1, quiet)
    assert {p: p.read_bytes() for p in store.directory.rglob("*") if p.is_file()} == before


def test_a_folder_that_cannot_be_written_is_named(fake_corpus, paper, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FeatureError, match="cannot be written"):
        prepare(fake_corpus(), paper, tmp_path / "file", 1, quiet)


def test_two_processes_share_the_work(fake_corpus, paper, tmp_path, said, listen):
    """The second finds the first at work, waits, and finds its shards."""
    corpus = fake_corpus()
    holds, goes_on = threading.Event(), threading.Event()

    def slowly(done: int, total: int, what: str) -> None:
        holds.set()
        assert goes_on.wait(10)

    def say(done: int, total: int, what: str) -> None:
        listen(done, total, what)
        goes_on.set()

    first = threading.Thread(target=prepare, args=(corpus, paper, tmp_path, 1, slowly))
    first.start()
    assert holds.wait(10)
    store = prepare(corpus, paper, tmp_path, 1, say)
    first.join()
    assert said[0] == "session 1: waits for another process"
    assert all(find_damage(store.shard_path(s), store.keys[s]) is None for s in store.sessions)


def test_processes_at_once_do_not_collide(paper, tmp_path):
    context = multiprocessing.get_context("spawn")
    corpus = open_corpus(TwinCorpus(name="twin", seed=0, scale=0.002))
    others = [
        context.Process(target=prepare, args=(corpus, paper, tmp_path, 1, print)) for _ in range(2)
    ]
    for other in others:
        other.start()
    store = prepare(corpus, paper, tmp_path, 1, quiet)
    for other in others:
        other.join()
        assert other.exitcode == 0
    for session in store.sessions:
        assert find_damage(store.shard_path(session), store.keys[session], checksums=True) is None


def test_progress_counts_dialogues(fake_corpus, paper, tmp_path):
    calls = []
    prepare(fake_corpus(), paper, tmp_path, 1, lambda *call: calls.append(call))
    assert [(done, total) for done, total, _ in calls] == [(i, 4) for i in (1, 2, 3, 4)]
    assert calls[0][2] == "session 1: D1a"


def test_the_header_says_what_the_shard_is(store):
    header = json.loads((store.shard_path("1") / "shard.json").read_text())
    assert header["corpus"] == "fake"
    assert header["key"] == store.keys["1"]
    assert header["features"]["mocap"]["dimensions"] == 189
    assert header["extraction"]["speech"] == {"name": "short_term", "window_s": 0.2, "step_s": 0.1}


def test_faults_of_the_corpus_are_told(fake_corpus, paper, tmp_path, said, listen):
    prepare(fake_corpus(n_faults=3), paper, tmp_path, 1, listen)
    assert said[-1] == "3 faults of the corpus's files, which `emotion-hpo prepare` names"
    said.clear()
    prepare(fake_corpus(n_faults=3), paper, tmp_path, 1, listen)
    assert not said, "nothing was extracted"


@pytest.mark.parametrize("session", ["会" * 200, "../x", "[/a] %", "&" * 300])
def test_a_session_of_any_name_has_a_folder(tmp_path, session):
    store = FeatureStore(
        tmp_path, "manifest", True, ("a", "b"), (), (), (session,), {session: "k" * 16}
    )
    path = store.shard_path(session)
    assert path.parent == tmp_path
    (tmp_path / f"{path.name}.lock").touch()
    path.mkdir()
