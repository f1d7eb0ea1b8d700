"""`WORDS.csv.json`: by which recogniser the words of `WORDS.csv` are, and how many are wrong.

`emotion-hpo transcribe` writes it beside the CSV; a study whose `corpus.transcripts` is that CSV
keeps it among its facts.
"""

import hashlib
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from emotion_hpo.errors import StudyError
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.study.records.base import Part, Record, is_absent, read_if_there


class WordErrors(Part):
    """How recognised words differ from the manual ones, over some utterances."""

    n_utterances: int = Field(description="utterances with a recording and manual words")
    n_words: int = Field(description="manual words")
    n_substituted: int = Field(description="words in the place of others")
    n_deleted: int = Field(description="manual words that are missing")
    n_inserted: int = Field(description="words that nobody said")
    rate: float = Field(
        description="word error rate, of these three by the manual words; above 1 where more were "
        "made up than said"
    )


class Transcription(Record):
    """What words were recognised by, and how well."""

    remedy: ClassVar[str] = "remove it and its CSV, and transcribe anew"

    version: Literal[1] = Field(1, description="of this file's layout")
    corpus: str = Field(description="name of the corpus")
    synthetic: bool = Field(description="whether the corpus is invented")
    recogniser: Literal["pocketsphinx", "faster-whisper"] = Field(description="its name")
    release: str = Field(description="version of the recogniser's package")
    model: str = Field(description="name of its model")
    digest: str = Field(description="of the model's files")
    language: str = Field(description="that was recognised")
    sample_id: str | None = Field(
        None, description="an utterance by whose sound the corpus is known", exclude_if=is_absent
    )
    sample_digest: str | None = Field(
        None, description="SHA-256 of its sound at 16 kHz", exclude_if=is_absent
    )
    n_utterances: int = Field(0, description="utterances of the CSV, once all are done")
    n_without_words: int = Field(
        0, description="of them: without a usable recording, or nothing was recognised"
    )
    words_digest: str | None = Field(
        None, description="SHA-256 of the CSV; null until all utterances are done"
    )
    errors: WordErrors | None = Field(
        None, description="over the whole corpus; null where it has no manual words"
    )
    by_session: dict[str, WordErrors] = Field({}, description="session → its errors")

    def fits(self, other: "Transcription") -> bool:
        """Return whether both are of one recogniser, model, language and corpus."""
        names = ("corpus", "recogniser", "release", "digest", "language")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def sounds_as(self, other: "Transcription") -> bool:
        """Return whether the utterance by which the corpus is known sounds the same in both."""
        pairs = (self.sample_id, self.sample_digest), (other.sample_id, other.sample_digest)
        return self.sample_id is None or pairs[0] == pairs[1]  # earlier records name none

    def describe(self) -> str:
        """Return by what the words are, and their word error rate where it is known."""
        rate = "unknown" if self.errors is None else format_share(self.errors.rate)
        return f"words by {self.recogniser} {self.model}, WER {rate}"


def place_of(words: Path) -> Path:
    """Return the file beside a CSV of words that holds its record."""
    return words.with_name(f"{words.name}.json")


def digest_of(words: Path) -> str:
    """Return the SHA-256 of a CSV, 64 hexadecimal digits.

    Raises:
        StudyError: It cannot be read.
    """
    try:
        return hashlib.sha256(words.read_bytes()).hexdigest()
    except OSError as error:
        raise StudyError(f"{words}: {error.strerror}") from None


def read_transcription(words: Path | None) -> Transcription | None:
    """Return the record of a CSV; None where there is none, or the CSV is not as it was written.

    Raises:
        StudyError: The record or the CSV cannot be read.
    """
    record = None if words is None else read_if_there(place_of(words), Transcription)
    if words is None or record is None or record.words_digest != digest_of(words):
        return None
    return record


def describe_words(words: Path | None, record: Transcription | None) -> str | None:
    """Return whose words a corpus is read with; None of its own.

    Args:
        words: The CSV, `corpus.transcripts`.
        record: Of it, if there is one.
    """
    if words is None:
        return None
    return f"words of {words}, by what is not recorded" if record is None else record.describe()
