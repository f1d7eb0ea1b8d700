"""A corpus is recognised once: the right sound, every utterance, and nothing twice after kills."""

import csv
import multiprocessing
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.config.recogniser import RecogniserSection
from emotion_hpo.corpus import Corpus, open_corpus
from emotion_hpo.corpus.retranscribed import read_words
from emotion_hpo.errors import CorpusError, FeatureError
from emotion_hpo.features.preparation import quiet
from emotion_hpo.features.transcription import transcribe as module
from emotion_hpo.features.transcription.transcribe import transcribe
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.transcription import Transcription, place_of, read_transcription

SECTION = RecogniserSection(name="pocketsphinx", language="en")
N_UTTERANCES = 60
SECONDS = 0.1
RATE_HZ = 44_100


class Tones:
    """Recognises tones: its words are `hertz` and the frequency, and how long it was heard."""

    name: ClassVar = "pocketsphinx"
    model: ClassVar = "tones"
    release: ClassVar = "1"
    digest: ClassVar = "0" * 64

    def recognise(self, signal):
        assert signal.dtype == np.float32
        power = np.abs(np.fft.rfft(signal))
        return f" hertz  {round(power.argmax() * 16_000 / len(signal))}\n for {len(signal)} "

    def open_pool(self, n_workers):
        return ThreadPoolExecutor(n_workers)


class Logged(Tones):
    """Says in a file what it begins to recognise, and takes its time."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def recognise(self, signal):
        words = super().recognise(signal)
        with self.log.open("a") as file:
            file.write(words.split()[1] + "\n")
        time.sleep(0.004)
        return words


def hertz(row: int) -> int:
    return 400 + 40 * row


def write_tones(folder: Path) -> Path:
    """A stereo recording of tones, one after the other, and the table that cuts it."""
    seconds = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
    tones = [np.sin(2 * np.pi * hertz(row) * seconds) for row in range(N_UTTERANCES)]
    left = 0.4 * np.concatenate(tones)
    soundfile.write(folder / "all.wav", np.stack([left, left / 2], axis=1), RATE_HZ)
    rows = [
        (f"u{row:02}", f"s{row % 2}", str(row % 2), "ab"[row // 2 % 2], f"hertz {hertz(row)}",
         "all.wav", str(SECONDS * row), str(SECONDS * (row + 1)))
        for row in range(N_UTTERANCES)
    ]  # fmt: skip
    names = ("utterance_id", "speaker", "session", "emotion", "transcript", "audio", "start_s",
             "end_s")  # fmt: skip
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return folder / "table.csv"


def opened(table: Path) -> Corpus:
    return open_corpus(
        ManifestCorpus(
            name="manifest", table=table, features={}, classes=None, synthetic=False, strict=False
        )
    )


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return opened(write_tones(tmp_path))


@pytest.fixture
def words(tmp_path) -> Path:
    return tmp_path / "words.csv"


def use(monkeypatch, recogniser) -> None:
    monkeypatch.setattr(module, "open_recogniser", lambda *_arguments: recogniser)


def test_each_utterance_is_cut_out_mono_at_16_khz(corpus, words, monkeypatch):
    use(monkeypatch, Tones())
    shown = []
    recognised = transcribe(corpus, SECTION, words, 2, lambda *said: shown.append(said))
    expected = {f"u{row:02}": f"hertz {hertz(row)} for 1600" for row in range(N_UTTERANCES)}
    assert {name: said for name, (said, _) in read_words(words).items()} == expected
    assert recognised.seconds == pytest.approx(SECONDS * N_UTTERANCES)
    assert [said[:2] for said in shown] == [(n, N_UTTERANCES) for n in range(N_UTTERANCES + 1)]
    record = recognised.record
    assert record == read_record(place_of(words), Transcription) == read_transcription(words)
    assert record.errors.n_words == 2 * N_UTTERANCES
    assert record.errors.rate == 1, "`for` and `1600` were made up"
    assert {name: of.n_utterances for name, of in record.by_session.items()} == {"0": 30, "1": 30}
    assert record.describe() == "words by pocketsphinx tones, WER 100.00 %"


def test_what_is_done_is_not_done_again(corpus, words, monkeypatch):
    use(monkeypatch, Tones())
    first = transcribe(corpus, SECTION, words, 1, quiet)
    content = words.read_bytes()
    monkeypatch.setattr(Tones, "open_pool", None)
    again = transcribe(corpus, SECTION, words, 1, quiet)
    assert (again.n_recognised, again.record) == (0, first.record)
    assert words.read_bytes() == content


def test_words_of_other_recordings_with_the_same_ids_are_refused(
    corpus, words, tmp_path, monkeypatch
):
    use(monkeypatch, Tones())
    record = transcribe(corpus, SECTION, words, 1, quiet).record
    content = words.read_bytes()
    sound, rate_hz = soundfile.read(tmp_path / "all.wav")
    soundfile.write(tmp_path / "all.wav", sound[::-1], rate_hz)
    with pytest.raises(FeatureError, match="of other recordings: u00 does not sound as in"):
        transcribe(corpus, SECTION, words, 1, quiet)
    assert words.read_bytes() == content
    soundfile.write(tmp_path / "all.wav", sound, rate_hz)
    table = tmp_path / "table.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], "v,s2,0,a,no,absent.wav,0,1", *lines[1:], ""]))
    again = transcribe(opened(table), SECTION, words, 1, quiet).record
    assert again.sample_id == record.sample_id, "another utterance is first now"
    assert again.n_utterances == N_UTTERANCES + 1


def test_labels_are_not_looked_at(corpus, words, monkeypatch):
    """Of the table that a corpus hands out, the labels could be anything."""
    use(monkeypatch, Tones())

    class Unlabelled(type(corpus)):
        def table(self, session):
            labels = ["emotion", "valence", "activation", "dominance", "votes"]
            return super().table(session).drop(columns=labels)

    object.__setattr__(corpus, "__class__", Unlabelled)
    assert transcribe(corpus, SECTION, words, 1, quiet).record.n_utterances == N_UTTERANCES


def test_what_cannot_be_heard_has_no_words_and_is_counted(tmp_path, words, monkeypatch):
    table = write_tones(tmp_path)
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 16_000)
    with table.open("a") as file:
        file.write("v0,s0,0,a,gone,absent.wav,0,1\nv1,s1,1,b,short,short.wav,0,0.006\n")
    use(monkeypatch, Tones())
    recognised = transcribe(opened(table), SECTION, words, 1, quiet)
    assert recognised.record.n_utterances == N_UTTERANCES + 2
    assert recognised.record.n_without_words == 2
    assert [fault.kind for fault in recognised.faults] == [
        "missing wav",
        "not recognised: the waveform is shorter than 25 ms",
    ]
    assert {name: said for name, (said, _) in read_words(words).items() if not said} == {
        "v0": "",
        "v1": "",
    }
    assert recognised.record.errors.n_utterances == N_UTTERANCES + 1, "v0 has no recording"


def test_a_corpus_without_recordings(tmp_path, words):
    table = tmp_path / "table.csv"
    table.write_text("utterance_id,speaker,session,emotion,transcript\na,s,1,x,yes\nb,s,2,y,no\n")
    with pytest.raises(CorpusError, match="has no recordings: there is nothing to recognise"):
        transcribe(opened(table), SECTION, words, 1, quiet)
    assert not words.exists()


def test_a_dead_worker_is_a_line(corpus, words, monkeypatch):
    class Dead(Tones):
        def recognise(self, signal):
            raise BrokenProcessPool

    use(monkeypatch, Dead())
    with pytest.raises(FeatureError, match="died, most likely for want of memory"):
        transcribe(corpus, SECTION, words, 1, quiet)


def test_twenty_kills_repeat_nothing_that_was_written(corpus, words, tmp_path, monkeypatch):
    log = tmp_path / "log"
    log.touch()
    use(monkeypatch, Logged(log))
    fork = multiprocessing.get_context("fork")
    draw = random.Random(7)
    n_begun = n_kills = n_rounds = 0
    while n_kills < 20:
        before = words.read_bytes() if words.exists() else b""
        process = fork.Process(target=transcribe, args=(corpus, SECTION, words, 2, quiet))
        process.start()
        process.join(draw.uniform(0.01, 0.1))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            n_kills += 1
        process.join()
        begun = log.read_text().split()
        log.write_text("")
        n_begun += len(begun)
        assert not [tone for tone in begun if f"hertz {tone} for 1600\n".encode() in before]
        if words.exists() and words.read_bytes().count(b"\n") > N_UTTERANCES:
            n_rounds += 1
            assert n_begun <= n_rounds * N_UTTERANCES + 4 * n_kills, "at most four are under way"
            words.unlink()  # all are done: from the beginning, until there were 20 kills
    record = transcribe(corpus, SECTION, words, 2, quiet).record
    assert record.n_utterances == N_UTTERANCES
    assert sorted(read_words(words)) == [f"u{row:02}" for row in range(N_UTTERANCES)]
