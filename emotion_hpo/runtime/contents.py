"""What a set of utterances *is*: its recordings, words and labels, whatever they are called.

Each utterance has marks, kind → short text: of its recordings (`sound`, `motion`, `features.NAME`;
`features.marks` makes them), of its words (`words`), and of its name and label (`name`). Two
utterances are the same if any mark of a recording agrees; only where none can be compared, if their
words agree; only where one of them has no words, if their names and labels do. So a copy of another
format, channel, rate or numbering is recognised, and so are the same recordings with other classes,
while actors who speak one script, or corpora that are numbered alike, stay apart.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Marks = Mapping[str, str]

#: Hexadecimal digits of a mark of sound.
SOUND_DIGITS = 64

SOUND, WORDS, NAME = "sound", "words", "name"

#: Share of differing bits up to which two marks of sound are of one recording. On the Berlin
#: recordings, copies differ in at most 0.08 (8 to 44.1 kHz, Opus, MP3, Vorbis, mu-law, another
#: level), with noise at 20 dB in 0.23; other recordings in 0.30 or more, the same words included.
_MOST_DIFFERING = 0.25

#: Rows that are compared at once, so that memory stays below 100 MB.
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Content:
    """The utterances of a holdout, by their marks."""

    utterances: tuple[Marks, ...]

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.utterances)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits; the order of utterances does not count."""
        lines = sorted(json.dumps(dict(marks), sort_keys=True) for marks in self.utterances)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def n_shared(self, earlier: "Content") -> int:
        """How many of these utterances an earlier set holds, too."""
        return int(self._is_shared(earlier).sum())

    def _is_shared(self, earlier: "Content") -> NDArray[np.bool_]:
        is_shared = _same_sound(self.utterances, earlier.utterances)
        known = {mark for marks in earlier.utterances for mark in _recorded(marks).items()}
        is_shared |= [bool(known & _recorded(marks).items()) for marks in self.utterances]
        for kind in (WORDS, NAME):
            by_mark: dict[str, list[Marks]] = {}
            for marks in earlier.utterances:
                by_mark.setdefault(marks.get(kind, ""), []).append(marks)
            for row in np.flatnonzero(~is_shared):
                marks = self.utterances[row]
                candidates = by_mark.get(marks.get(kind, ""), []) if kind in marks else []
                same = next(
                    (other for other in candidates if _last_kind(marks, other) == kind), None
                )
                if same is not None:
                    candidates.remove(same)  # one "yes" was not scored five times
                    is_shared[row] = True
        return is_shared


def merged(contents: Iterable[Content]) -> Content:
    """All utterances of several sets."""
    return Content(tuple(utterance for content in contents for utterance in content.utterances))


def words_mark(transcript: str) -> str | None:
    """Mark of words by their letters and digits alone; None where there is none.

    >>> words_mark("Oh, NO!") == words_mark("oh no") != words_mark("on oh")
    True
    """
    plain = unicodedata.normalize("NFKC", transcript).casefold()
    words = "".join(sign if sign.isalnum() else " " for sign in plain).split()
    return _digest(" ".join(words)) if words else None


def name_mark(*facts: str) -> str:
    """Mark of an utterance's id, speaker and label."""
    return _digest(json.dumps(facts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _recorded(marks: Marks) -> Marks:
    """Marks that are of one recording if they are equal."""
    return {kind: mark for kind, mark in marks.items() if kind not in (SOUND, WORDS, NAME)}


def _last_kind(own: Marks, other: Marks) -> str | None:
    """By what two utterances are compared that no recording tells to be the same."""
    common = own.keys() & other.keys()
    if common - {WORDS, NAME}:
        return None  # their recordings differ
    return WORDS if WORDS in common else NAME


def _same_sound(own: Sequence[Marks], earlier: Sequence[Marks]) -> NDArray[np.bool_]:
    """Which utterances sound like one of the earlier ones, `(n,)`."""
    rows = np.array([row for row, marks in enumerate(own) if SOUND in marks], dtype=np.int64)
    known = [marks[SOUND] for marks in earlier if SOUND in marks]
    is_same = np.zeros(len(own), dtype=bool)
    if not known:
        return is_same
    known_MB = _signs(known)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        signs_NB = _signs([own[row][SOUND] for row in some])
        n_bits = signs_NB.shape[1]
        nearest = (n_bits - (signs_NB @ known_MB.T).max(axis=1)) / (2 * n_bits)
        is_same[some] = nearest <= _MOST_DIFFERING
    return is_same


def _signs(marks: Sequence[str]) -> NDArray[np.float32]:
    """Marks of sound as rows of -1 and 1."""
    packed = np.array([list(bytes.fromhex(mark)) for mark in marks], dtype=np.uint8)
    return np.where(np.unpackbits(packed, axis=1), 1, -1).astype(np.float32)
