"""What a study records of the words that it reads."""

import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.transcription import (
    Transcription,
    WordErrors,
    describe_words,
    digest_of,
    place_of,
    read_transcription,
)
from tests.pipeline import compose_config


@pytest.fixture
def words(tmp_path):
    """A CSV with its record, as `transcribe` leaves both."""
    path = tmp_path / "words.csv"
    path.write_text("id,words\na,yes\n")
    errors = WordErrors(
        n_utterances=2, n_words=8, n_substituted=1, n_deleted=1, n_inserted=0, rate=0.25
    )
    record = Transcription(
        corpus="twin", synthetic=True, recogniser="faster-whisper", release="1.2", model="small",
        digest="0" * 64, language="en", n_utterances=1, words_digest=digest_of(path),
        errors=errors, by_session={"1": errors},
    )  # fmt: skip
    write_record(place_of(path), record)
    return path


def study_on(words, tmp_path):
    """A new study that reads these words."""
    config = compose_config("study=smoke", "study.name=study", f"corpus.transcripts={words}")
    home = StudyHome(tmp_path, "study")
    study_file.write_or_compare(home, config, {}, synthetic=True)
    return study_file.read(home)


def test_a_study_keeps_by_what_its_words_are(words, tmp_path):
    stored = study_on(words, tmp_path)
    assert stored.facts.words == read_transcription(words)
    assert stored.words == "words by faster-whisper small, WER 25.00 %"
    words.unlink()
    assert study_file.read(StudyHome(tmp_path, "study")).words == stored.words


@pytest.mark.parametrize("change", ["edited", "half done", "without a record"])
def test_words_that_are_no_more_as_recognised_are_by_nobody(words, tmp_path, change):
    record = read_transcription(words)
    match change:
        case "edited":
            words.write_text(words.read_text().replace("yes", "no"))
        case "half done":
            write_record(place_of(words), record.model_copy(update={"words_digest": None}))
        case _:
            place_of(words).unlink()
    stored = study_on(words, tmp_path)
    assert stored.facts.words is None
    assert stored.words == f"words of {words}, by what is not recorded"


def test_without_manual_words_the_rate_is_unknown(words):
    record = read_transcription(words).model_copy(update={"errors": None})
    assert describe_words(words, record) == "words by faster-whisper small, WER unknown"
    assert describe_words(None, None) is None


def test_a_broken_record_is_a_line(words):
    place_of(words).write_text("{}")
    with pytest.raises(StudyError, match="remove it and its CSV, and transcribe anew"):
        read_transcription(words)
