"""What `prepare` finds in a corpus: what is there and missing, and what is wrong with its files."""

from typing import Literal

from pydantic import Field

from emotion_hpo.study.records.base import Part, Record


class Durations(Part):
    """Of the utterances whose start and end are known; null where none are."""

    median_s: float | None = Field(description="of an utterance")
    mean_s: float | None = Field(description="of an utterance")
    p95_s: float | None = Field(description="19 of 20 are shorter")
    max_s: float | None = Field(description="of the longest")
    hours: float | None = Field(description="of all together")


class Dialogues(Part):
    """Turns whose order is known, with and without a label."""

    n_dialogues: int = Field(description="dialogues")
    n_turns: int = Field(description="turns")
    n_labelled: int = Field(description="turns with a label")
    n_followed: int = Field(description="turns with one before them, both with times")
    n_overlapping: int = Field(description="of these, such as start before the other ends")
    median_gap_s: float | None = Field(description="from the end of the turn before")
    p95_gap_s: float | None = Field(description="19 of 20 gaps are shorter")


class WordsWithoutVectors(Part):
    """Words that have no pretrained vector."""

    n_types: int = Field(description="different ones")
    n_words: int = Field(description="how often they occur")
    first: tuple[str, ...] = Field(description="the ten most frequent")


class FaultsOfAKind(Part):
    """What is wrong with a corpus's files in one way."""

    n: int = Field(description="places")
    first: tuple[str, ...] = Field(description="the first of them")


class PreparedCorpus(Record):
    """What `prepare` finds in a corpus. Utterances are those with a label."""

    version: Literal[1] = Field(1, description="of this file's layout")
    corpus: str = Field(description="the corpus")
    synthetic: bool = Field(description="whether the corpus is invented")
    n_utterances: int = Field(description="of all sessions")
    n_by_session_emotion: dict[str, dict[str, int]] = Field(
        description="session → class → utterances"
    )
    n_by_modality: dict[str, int] = Field(description="modality → utterances that have it")
    missing: dict[str, int] = Field(description="modality → utterances that lack it")
    dimensions: dict[str, int] = Field(description="modality → width of its features")
    n_word_types: int = Field(description="different words")
    n_words: int = Field(description="words")
    motion_lost: dict[str, float] = Field(description="session → share of lost motion")
    durations: Durations = Field(description="of the utterances")
    dialogues: Dialogues | None = Field(description="null where no order of turns is known")
    keys: dict[str, str] = Field(description="session → key of its stored features")
    words_without_vectors: WordsWithoutVectors | None = Field(
        description="null where no pretrained vectors are read"
    )
    remarks: tuple[str, ...] = Field(description="what one should know of the corpus")
    faults: dict[str, FaultsOfAKind] = Field(description="kind → what is wrong with the files")
    seconds: float = Field(description="that it took")
    peak_memory_mb: int = Field(description="memory at most, of all processes")
