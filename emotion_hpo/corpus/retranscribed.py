"""Any corpus with other words: a speech recogniser's output in the place of its transcripts.

The file is a CSV of `id` and `words`. An utterance that it does not name has no text then: manual
and recognised words must not mix in one corpus.
"""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault, csv_lines, format_place
from emotion_hpo.corpus.schema import Corpus, DerivedCorpus
from emotion_hpo.errors import CorpusError

#: What the first line must say.
_HEADER = ["id", "words"]


@dataclass(frozen=True)
class Retranscribed(DerivedCorpus):
    """A corpus whose transcripts come from a file (the `Corpus` protocol).

    Attributes:
        corpus: All but the words.
        path: Of the words.
    """

    path: Path

    @classmethod
    def open(cls, corpus: Corpus, path: Path) -> "Retranscribed":
        """Open the corpus with the file's words."""
        opened = cls(corpus, path)
        _ = opened._words
        return opened

    @property
    def modalities(self) -> tuple[str, ...]:
        """The corpus's, and text."""
        return tuple(sorted({*self.corpus.modalities, "text"}))

    def remarks(self) -> tuple[str, ...]:
        """The corpus's, and how many transcripts were replaced."""
        ids = self._ids
        replaced = sum(name in ids for name in self._words)
        return (
            *self.corpus.remarks(),
            f"transcripts of {self.path}: {replaced} of {len(ids)} utterances, "
            f"{len(self._words) - replaced} unknown ids",
        )

    def faults(self) -> tuple[Fault, ...]:
        """The corpus's, and ids that it does not know."""
        ids = self._ids
        unknown = (
            Fault("transcript of an unknown utterance", f"{format_place(self.path, line)}, {name}")
            for name, (_, line) in self._words.items()
            if name not in ids
        )
        return (*self.corpus.faults(), *unknown)

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes with the corpus and with the words."""
        said = repr([(name, words) for name, (words, _) in self._words.items()])
        recorded = self.corpus.fingerprint(session, digests)
        return hashlib.sha256(f"{recorded} {said}".encode()).hexdigest()

    def table(self, session: str) -> pd.DataFrame:
        """The corpus's, with the file's words."""
        table = self.corpus.table(session)
        words = [self._words.get(name, (None, 0))[0] or None for name in table["utterance_id"]]
        said = pd.Series(words, index=table.index, dtype=object)
        return table.assign(transcript=said, has_text=said.notna())

    @property
    def _ids(self) -> set[str]:
        sessions = self.corpus.sessions()
        return {name for session in sessions for name in self.corpus.table(session)["utterance_id"]}

    @cached_property
    def _words(self) -> Mapping[str, tuple[str, int]]:
        """Id → its words and their line."""
        return read_words(self.path)

    def __getstate__(self) -> dict[str, Any]:
        return {"corpus": self.corpus, "path": self.path}


def read_words(path: Path) -> dict[str, tuple[str, int]]:
    """Read a CSV of `id` and `words`.

    Returns:
        Id → words and line.

    Raises:
        CorpusError: The file cannot be read, a line is malformed, or an id occurs twice.
    """
    reader = csv.reader(csv_lines(path), skipinitialspace=True, strict=True)
    words_by_id: dict[str, tuple[str, int]] = {}
    line = 1
    try:
        for row in reader:
            if line == 1:
                if [name.strip() for name in row] != _HEADER:
                    raise CorpusError(f"{format_place(path, 1)}: `id,words` must stand here")
            elif row:
                if len(row) != len(_HEADER):
                    raise CorpusError(
                        f"{format_place(path, line)}: an id and its words must stand here"
                    )
                name, words = row[0].strip(), row[1].strip()
                if not name:
                    raise CorpusError(f"{format_place(path, line)}: the id is empty")
                if name in words_by_id:
                    first = format_place(path, words_by_id[name][1])
                    raise CorpusError(
                        f"{format_place(path, line)}: {name} stands in {first} already"
                    )
                words_by_id[name] = words, line
            line = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(f"{format_place(path, line)}: {error}") from None
    return words_by_id
