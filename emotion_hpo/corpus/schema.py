"""The utterance table and the `Corpus` protocol: all that the rest of the code knows of a corpus.

A corpus hands out, session by session, a pandas table with one row an utterance (`COLUMNS`, sorted
by id) and, dialogue by dialogue, the recordings behind it. Of dialogues it hands out every turn:
one without a class of interest has no emotion. It is context, read with its neighbours, and never
a target. Nothing above this package knows a file format; nothing here knows a feature. Sessions
are strings, so that any corpus can name its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.errors import CorpusError
from emotion_hpo.runtime.formatting import name_some

#: Columns of the utterance table and what they hold. A missing value is None or NaN.
COLUMNS: Mapping[str, str] = {
    "utterance_id": "unique over the corpus",
    "session": "string; the unit of sealing and of storage",
    "dialogue": "the unit of resampling: utterances of one dialogue are not independent",
    "turn": "place in the dialogue of this session, from 0, or missing where no order is known",
    "speaker": "unique over the corpus",
    "emotion": "one of the corpus's classes, or missing where the turn is context alone",
    "start_s": "seconds from the dialogue's start",
    "end_s": "seconds from the dialogue's start",
    "transcript": "words as transcribed",
    "audio": "path of the recording, relative to the corpus's root",
    "scenario": "improvised, scripted, or missing",
    "wears_markers": "whether the motion shown is the speaker's own, or missing",
    "valence": "mean of the annotators, 1 to 5, or NaN",
    "activation": "mean of the annotators, 1 to 5, or NaN",
    "dominance": "mean of the annotators, 1 to 5, or NaN",
    "votes": "annotators' label counts as JSON, or missing",
    "has_speech": "whether a recording is there",
    "has_text": "whether a transcript is there",
    "has_mocap": "whether motion capture is there",
}

#: Width of each part of the motion capture, in the order in which they are joined.
MOTION_PARTS: Mapping[str, int] = {"head": 6, "hand": 18, "face": 165}


@dataclass(frozen=True)
class Recording:
    """What was recorded of one utterance.

    Attributes:
        utterance_id: The row of the table that this belongs to.
        samples: Mono waveform, float32 `(n,)` in [-1, 1], or None.
        sample_rate_hz: Of `samples`.
        motion: Part → float32 `(frames, width)` with NaN where a marker was lost, or None.
        features: Ready-made features by modality, `(d,)` or `(frames, d)`.
        sources: Modality → the file that it was read from, for whoever names what is wrong with it.
        faults: What could not be read; its modality is left out above.
    """

    utterance_id: str
    samples: NDArray[np.float32] | None = None
    sample_rate_hz: int = 16_000
    motion: Mapping[str, NDArray[np.float32]] | None = None
    features: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


class Corpus(Protocol):
    """A corpus, as the rest of the code sees it; picklable, since processes extract from it."""

    @property
    def name(self) -> str:
        """Short name, as in the configuration."""
        ...

    @property
    def synthetic(self) -> bool:
        """Whether its content is invented; every figure from it then says so."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions, in the order of the network's outputs."""
        ...

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities that it holds, of `speech`, `text`, `mocap` and any ready-made ones."""
        ...

    @property
    def ready_made(self) -> tuple[str, ...]:
        """Those whose features it brings itself: nothing is extracted for them."""
        ...

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """What a reader must know, a line each: what was left out, and how much."""
        ...

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with its files, and what became of it."""
        ...

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes whenever the content that this session's features depend on changes.

        The place, the times and the copies of files are no content.
        """
        ...

    def table(self, session: str) -> pd.DataFrame:
        """The session's turns (`COLUMNS`), sorted by id, without reading a recording."""
        ...

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """What was recorded of a dialogue's utterances, in any order, each file read once."""
        ...


@dataclass(frozen=True)
class DerivedCorpus:
    """A corpus that is made of another: whatever a subclass does not change is the other's.

    Its modalities and its fingerprint are its own; each subclass says them.

    Attributes:
        corpus: The other.
    """

    corpus: Corpus

    @property
    def name(self) -> str:
        """The other's."""
        return self.corpus.name

    @property
    def synthetic(self) -> bool:
        """Whether the other is."""
        return self.corpus.synthetic

    @property
    def classes(self) -> tuple[str, ...]:
        """The other's."""
        return self.corpus.classes

    @property
    def ready_made(self) -> tuple[str, ...]:
        """The other's."""
        return self.corpus.ready_made

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return self.corpus.sessions()

    def remarks(self) -> tuple[str, ...]:
        """The other's."""
        return self.corpus.remarks()

    def faults(self) -> tuple[Fault, ...]:
        """The other's."""
        return self.corpus.faults()

    def table(self, session: str) -> pd.DataFrame:
        """Return the other's."""
        return self.corpus.table(session)

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """Return the other's."""
        return self.corpus.recordings(session, dialogue)


def validate_table(table: pd.DataFrame, classes: tuple[str, ...], source: str) -> pd.DataFrame:
    """Check an utterance table; return it with `COLUMNS` in order, sorted by id.

    Turns are numbered from 0 in the order of `turn`, or of `start_s` where there is no such column.

    Args:
        table: Utterances with at least `utterance_id`, `session`, `dialogue`, `speaker` and
            `emotion`; all of `turn` missing says that they have no order.
        classes: The emotions allowed.
        source: File or folder that the message names.

    Raises:
        CorpusError: A column is unknown or missing, an id occurs twice, an emotion is unknown, an
            utterance ends before it starts, two turns have the same place, or one without emotion
            has none; the first ten offending rows are named.
    """
    required = {"utterance_id", "session", "dialogue", "speaker", "emotion"}
    if missing := sorted(required - set(table.columns)):
        raise CorpusError(f"{source}: the utterance table lacks {', '.join(missing)}")
    if unknown := sorted(set(table.columns) - set(COLUMNS)):
        raise CorpusError(f"{source}: the utterance table has unknown columns {', '.join(unknown)}")
    twice = table["utterance_id"][table["utterance_id"].duplicated()]
    if len(twice):
        raise CorpusError(f"{source}: {_first(twice)} occur more than once")
    is_context = table["emotion"].isna()
    odd = table["utterance_id"][~is_context & ~table["emotion"].isin(classes)]
    if len(odd):
        raise CorpusError(f"{source}: {_first(odd)} have an emotion outside {', '.join(classes)}")
    order = "turn" if "turn" in table else "start_s"
    table = table.reindex(columns=list(COLUMNS)).sort_values("utterance_id", ignore_index=True)
    backwards = table["utterance_id"][table["end_s"] <= table["start_s"]]
    if len(backwards):
        raise CorpusError(f"{source}: {_first(backwards)} end before they start")
    again = table["utterance_id"][find_repeated_turns(table)]
    if len(again):
        raise CorpusError(f"{source}: {_first(again)} have the turn of another in their dialogue")
    table["turn"] = number_turns(table, order)
    lost = table["utterance_id"][table["emotion"].isna() & table["turn"].isna()]
    if len(lost):
        raise CorpusError(
            f"{source}: {_first(lost)} have no emotion, so that they are context, but no place in "
            "a dialogue: give every turn of it dialogue and start_s, or turn"
        )
    return table


def number_turns(table: pd.DataFrame, by: str = "turn") -> "pd.Series[int]":
    """Return each row's place among those of its dialogue and session, from 0, ties by id.

    Args:
        table: With `session`, `dialogue` and `utterance_id`.
        by: Column of the order; where a turn of a dialogue has none, no turn of it has a place.
    """
    dialogue = ["session", "dialogue"]
    in_order = table.sort_values([by, "utterance_id"])
    places = in_order.groupby(dialogue, dropna=False).cumcount().reindex(table.index)
    is_lost = (table[by].isna() | table["dialogue"].isna()).groupby(
        [table[name] for name in dialogue], dropna=False
    ).transform("any")  # fmt: skip
    return places.astype("Int64").mask(is_lost.astype(bool))


def find_repeated_turns(table: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows have a `turn` that another row of their dialogue and session has, too."""
    return table["turn"].notna() & table.duplicated(["session", "dialogue", "turn"], keep=False)


def _first(ids: "pd.Series[str]", n: int = 10) -> str:
    """Name the first ids and count the rest."""
    return name_some(list(ids), n)
