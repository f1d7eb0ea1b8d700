"""Recordings whose headers say nothing, or what cannot be; and recordings that are damaged."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotion_hpo.config import build
from emotion_hpo.config.corpus import EmodbCorpus, ManifestCorpus
from emotion_hpo.corpus import Fault, open_corpus, sound
from emotion_hpo.corpus.collected_entry import read_array
from emotion_hpo.corpus.pickled import PickledArray
from emotion_hpo.errors import CorpusError, FeatureError, UnusableError
from emotion_hpo.features import prepare, speech
from tests.corpus.releases import opened as opened_iemocap
from tests.pipeline import SMALL, compose_config

N = 16_000
TONE = 0.3 * np.sin(np.arange(N) / 10) + 0.01 * np.random.default_rng(0).standard_normal(N)


def flac(path: Path, n_claimed: int | None = N, n_bytes: int | None = None) -> Path:
    """A second of sound whose header claims a length; 0: none, as of a stream."""
    soundfile.write(path, TONE, N, format="FLAC")
    content = bytearray(path.read_bytes())
    content[21:26] = struct.pack(">Q", content[21] >> 4 << 36 | n_claimed)[3:]
    path.write_bytes(content[:n_bytes])
    return path


class TestLengths:
    def test_of_a_stream_are_counted(self, tmp_path):
        path = flac(tmp_path / "stream.flac", n_claimed=0)
        assert soundfile.info(path).frames == np.iinfo(np.int64).max
        assert sound.read_header(path) == (N, N, 1)
        assert sound.read_header(path).seconds == 1
        np.testing.assert_allclose(sound.read_samples(path)[0][:, 0], TONE, atol=1e-4)
        np.testing.assert_allclose(
            sound.read_samples(path, 0.25, 0.5)[0][:, 0], TONE[4000:8000], atol=1e-4
        )

    @pytest.mark.parametrize("n_claimed", [2**36 - 1, 100_000])
    def test_that_are_not_there_are_a_fault(self, tmp_path, n_claimed):
        path = flac(tmp_path / "long.flac", n_claimed)
        with pytest.raises(
            CorpusError, match=r"ends after 1.00 s, where its header says [\d,.]+ s"
        ):
            sound.read_samples(path)
        assert sound.read_usable_samples(path, "there") == (
            None, sound.ANY_RATE_HZ, (Fault("unreadable wav", "there"),)
        )  # fmt: skip

    def test_that_cannot_be_are_looked_for(self, tmp_path):
        with pytest.raises(CorpusError, match=r"its header says 4,294,967\.30 s"):
            sound.read_header(flac(tmp_path / "absurd.flac", 2**36 - 1))

    @pytest.mark.parametrize(("place", "kind"), [(40, "wav"), (8, "au")])
    def test_of_other_streams(self, tmp_path, place, kind):
        path = tmp_path / f"stream.{kind}"
        soundfile.write(path, TONE, N)
        content = bytearray(path.read_bytes())
        content[place : place + 4] = b"\xff" * 4
        path.write_bytes(content)
        assert sound.read_header(path).n_frames == N
        assert len(sound.read_samples(path)[0]) == N

    def test_a_silence_that_compresses_well_is_believed(self, tmp_path):
        path = tmp_path / "silence.flac"
        soundfile.write(path, np.zeros(50 * N), N)
        assert sound.read_header(path).seconds == 50
        assert len(sound.read_samples(path)[0]) == 50 * N


@pytest.mark.parametrize(
    ("samples", "rate", "reason"),
    [
        (np.array([0.5], np.float32), 44_100, "so short that no sample is left at 16 kHz"),
        (np.array([0.5, np.nan], np.float32), 16_000, "samples that are not finite"),
        (np.zeros(9, np.float32), 1, "a rate of 1 Hz holds no speech"),
    ],
)
def test_waveforms_of_no_use(samples, rate, reason):
    with pytest.raises(UnusableError, match=reason):
        speech.resample(samples, rate)
    assert issubclass(UnusableError, FeatureError)


def quiet(*_: object) -> None:
    pass


@pytest.fixture
def recordings(tmp_path) -> Path:
    """A table of one good recording, four damaged ones, and a stream."""
    soundfile.write(tmp_path / "ok.wav", TONE, N)
    soundfile.write(tmp_path / "nan.wav", np.array([0, np.nan] * 800), N, subtype="FLOAT")
    soundfile.write(tmp_path / "sample.wav", np.array([0.5]), 44_100)
    flac(tmp_path / "cut.flac", n_bytes=8000)
    flac(tmp_path / "stream.flac", n_claimed=0)
    (tmp_path / "text.wav").write_text("no audio")
    names = ("ok.wav", "nan.wav", "sample.wav", "cut.flac", "stream.flac", "text.wav")
    rows = [f"r{i},s{i % 2},{i % 2},{'ab'[i % 2]},{name}" for i, name in enumerate(names)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["utterance_id,speaker,session,emotion,audio", *rows, ""]))
    return path


def manifest(path: Path, *, strict: bool) -> ManifestCorpus:
    return ManifestCorpus(
        name="manifest", table=path, features={}, classes=None, synthetic=False, strict=strict
    )


BAD = [
    ("no speech: the waveform holds samples that are not finite", "nan.wav, r1"),
    ("no speech: the waveform is so short that no sample is left at 16 kHz", "sample.wav, r2"),
    ("unreadable wav", "cut.flac, r3"),
]


def test_bad_recordings_are_counted_and_the_rest_is_stored(recordings, tmp_path):
    corpus = open_corpus(manifest(recordings, strict=False))
    store = prepare(corpus, compose_config(*SMALL).features, tmp_path / "store", 1, quiet)
    assert sorted(store.faults()) == BAD
    assert [(fault.kind, fault.place[-8:]) for fault in corpus.faults()] == [
        ("unreadable wav", "text.wav")
    ]
    held = {
        name: bool(n)
        for session in store.sessions
        for name, n in zip(
            store.open(session).table["utterance_id"],
            store.open(session).features["speech"].lengths,
            strict=True,
        )
    }
    assert held == {"r0": True, "r1": False, "r2": False, "r3": False, "r4": True, "r5": False}


def test_prepare_names_all_at_once(emotion_hpo, recordings, isolated):
    words = ("prepare", "corpus=manifest", f"corpus.table={recordings}", "study.name=one")
    shown = emotion_hpo(*words)
    assert shown.status == 0, shown.stderr
    for kind, place in BAD:
        assert kind in shown.stdout
        assert place in shown.stdout
    (recordings.parent / "text.wav").write_bytes((recordings.parent / "ok.wav").read_bytes())
    strict = emotion_hpo(*words, "corpus.strict=true")
    assert strict.status == 2
    assert all(f"{place}: {kind}" in strict.stderr for kind, place in BAD)
    assert "Traceback" not in strict.stderr


def test_of_berlin(write_berlin):
    root = write_berlin()
    flac(root / "wav" / "08a02Nc.wav", n_bytes=8000)
    corpus = open_corpus(build(EmodbCorpus, {"name": "emodb", "root": str(root)}))
    (recording,) = corpus.recordings("1", "08a02")
    assert recording.samples is None
    assert recording.faults == (Fault("unreadable wav", "wav/08a02Nc.wav, 08a02Nc"),)


@pytest.mark.parametrize("audio", ["sentences", "dialog"])
def test_of_iemocap(damaged, audio):
    root = damaged()
    dialogue = "Ses01F_impro01"
    kind = "sentences/wav" if audio == "sentences" else "dialog/wav"
    for path in (root / "Session1" / kind).rglob(f"{dialogue}*.wav"):
        samples, rate = soundfile.read(path, always_2d=True)
        soundfile.write(path, samples, rate, format="FLAC")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 4])
    corpus = opened_iemocap(root, audio=audio)
    read = list(corpus.recordings("1", dialogue))
    assert read
    lost = [recording for recording in read if recording.samples is None]
    assert lost, "what lies behind the cut"
    assert all(fault.kind == "unreadable wav" for recording in lost for fault in recording.faults)
    assert all(recording.faults for recording in lost)
    corpus.faults()


def test_of_a_pickle():
    array = PickledArray()
    array.shape = (3, 5)
    assert read_array(array) is None
