"""`transcribe`, and a study on what it recognised: from spoken sentences to the two accuracies."""

import pytest

from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.transcription import Transcription, place_of
from tests.features.pretrained.conftest import whisper
from tests.needed import need_module
from tests.spoken import SENTENCES, speak

__all__ = ["whisper"]

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover


def test_pocketsphinx_reads_english_out_of_the_box(emotion_hpo, isolated):
    need_module("pocketsphinx", "transcribe")
    table = speak(isolated, SENTENCES[8:], voice="en-us+f3")
    ended = emotion_hpo("transcribe", "corpus=manifest", f"corpus.table={table}")
    assert ended.status == 0, ended.stderr
    record = read_record(place_of(isolated / "words.csv"), Transcription)
    assert (record.n_utterances, record.model, record.language) == (4, "en-us", "en")
    assert record.errors.rate <= 0.5, "it was 0.33 when this was written"
    assert f"WER {100 * record.errors.rate:.2f} %" in ended.stdout
    assert "real-time factor" in ended.stdout


def test_a_study_on_recognised_words(emotion_hpo, isolated, whisper, unpainted):
    need_module("faster_whisper", "transcribe")
    corpus = ("corpus=manifest", f"corpus.table={speak(isolated, SENTENCES)}")
    ended = emotion_hpo("transcribe", *corpus, "recogniser.name=faster-whisper")
    assert ended.status == 0, ended.stderr
    words = isolated / "words.csv"
    record = read_record(place_of(words), Transcription)
    assert record.errors.rate <= 0.25, "it was 0.04 when this was written"
    assert sorted(record.by_session) == ["1", "2", "3"]
    said = f"words by faster-whisper tiny.en, WER {100 * record.errors.rate:.2f} %"
    assert said[1:] in ended.stdout

    other = emotion_hpo("transcribe", *corpus)
    assert other.status == 2
    assert "give another output=FILE" in other.stderr

    study = (
        "study=smoke", "study.name=heard", "split=speakers", "split.test_session=3", "model=text",
        "tracking=none", "study.n_trials=1", "study.confirm_leaders=0",
    )  # fmt: skip
    ended = emotion_hpo("search", *corpus, f"corpus.transcripts={words}", *study)
    assert ended.status == 0, ended.stderr
    assert f"The corpus is read with {said}" in ended.stderr

    ended = emotion_hpo("final", "study.name=heard", "best=trial_0")
    assert ended.status == 0, ended.stderr
    folder = isolated / "studies" / "heard"
    result = read_record(folder / "final" / "trial_0" / "result.json", FinalResult)
    assert (result.words.own, result.words.other) == (said, "the manual words")
    manual = f"with the manual words: {100 * result.words.accuracy:.2f} %"
    assert f"Accuracy with {said}: {100 * result.accuracy:.2f} %; {manual}" in ended.stdout
    page = (folder / "report" / "index.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert f"The corpus is read with {said}." in page
    assert f"with the manual words, in the place of {said}" in page


def test_prepare_says_whose_words_a_corpus_is_read_with(emotion_hpo, isolated):
    head = "utterance_id,speaker,session,emotion,transcript"
    (isolated / "table.csv").write_text(f"{head}\na,s,1,x,yes\nb,t,2,y,no\n")
    (isolated / "words.csv").write_text("id,words\na,heard\n")
    corpus = ("corpus=manifest", "corpus.table=table.csv")
    for words, said in (("words.csv", True), ("null", False)):
        ended = emotion_hpo("prepare", *corpus, f"corpus.transcripts={words}")
        assert ended.status == 0, ended.stderr
        line = "words of words.csv, by what is not recorded"
        assert (line in ended.stdout.splitlines()) == said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("output=words.txt",), "the name of a CSV must end in .csv, but got words.txt"),
        (("recogniser.name=pocket",), "recogniser.name"),
        (("recogniser.language=de",), "pocketsphinx reads en alone, but got 'de'"),
        (("recogniser.model=small",), "pocketsphinx has its own"),
        (("output=table.csv",), "table.csv is there, but not by `emotion-hpo transcribe`"),
        (("corpus.table=words_only.csv",), "has no recordings: there is nothing to recognise"),
    ],
)
def test_a_slip_is_one_line(emotion_hpo, isolated, arguments, message):
    need_module("pocketsphinx", "transcribe")
    head = "utterance_id,speaker,session,emotion"
    (isolated / "words_only.csv").write_text(f"{head},transcript\na,s,1,x,yes\nb,t,2,y,no\n")
    (isolated / "a.wav").write_bytes(b"")
    (isolated / "table.csv").write_text(f"{head},audio\na,s,1,x,a.wav\nb,t,2,y,a.wav\n")
    ended = emotion_hpo("transcribe", "corpus=manifest", "corpus.table=table.csv", *arguments)
    assert ended.status == 2
    assert message in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not [*isolated.glob("*.json")], "nothing is begun"
