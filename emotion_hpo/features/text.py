"""Transcripts become words, and words become numbers.

The store keeps transcripts; the vocabulary is fitted on the words of the training part alone, so it
comes with the data set, never with the store.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

#: Tokens with a meaning of their own, at the start of every vocabulary.
PADDING, UNKNOWN = 0, 1
N_RESERVED = 2

_SOUND = re.compile(r"\[([^\[\]]*)\]")
_MARKS = re.compile(r"([!?]+|\.{2,})")
_ASCII_MARKS = str.maketrans({"！": "!", "？": "?", "؟": "?", "‼": "!!", "⁇": "??", "…": "..."})
_APOSTROPHES = str.maketrans("’‘ʼ`´", "'" * 5)


def tokenise(transcript: str, *, marks: bool = False) -> list[str]:
    """Split a transcript into lower-case words.

    Apostrophes belong to their word. A bracketed sound is one token. All other punctuation and all
    symbols separate words. Any script that puts spaces between its words will do.

    Args:
        transcript: What was said.
        marks: Whether marks that carry a tone are tokens, too: `!`, `?`, `...`, and runs of the
            first two as `!!`, `??` or `?!`, whatever their length and order.

    >>> tokenise("Who told you? [LAUGHTER] I don't — goin' 'cause, ÜBERMORGEN!")
    ['who', 'told', 'you', '[laughter]', 'i', "don't", "goin'", "'cause", 'übermorgen']
    >>> tokenise("No!!! Really?", marks=True)
    ['no', '!!', 'really', '?']
    """
    tokens: list[str] = []
    # re.split with one group alternates what lies between the matches and what the group matched.
    for i, piece in enumerate(_SOUND.split(transcript)):
        if i % 2:
            words = _words(piece)
            tokens += [f"[{'_'.join(words)}]"] * bool(words)
        else:
            tokens += _words_and_marks(piece) if marks else _words(piece)
    return tokens


def _words_and_marks(text: str) -> list[str]:
    """Words, and between them the marks, runs of which are told by what they hold alone."""
    tokens: list[str] = []
    for i, piece in enumerate(_MARKS.split(text.translate(_ASCII_MARKS))):
        if i % 2 == 0:
            tokens += _words(piece)
        elif piece.startswith("."):
            tokens.append("...")
        else:
            tokens.append("?!" if len(set(piece)) > 1 else piece[:2])
    return tokens


def _words(text: str) -> list[str]:
    """Runs of letters, marks, digits and apostrophes that hold more than apostrophes."""
    folded = unicodedata.normalize("NFC", text.lower()).translate(_APOSTROPHES)
    letters = (c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return [word for word in "".join(letters).split() if word.strip("'")]


@dataclass(frozen=True)
class Vocabulary:
    """The words that a network knows; word `i` of `words` has the number `i + 2`."""

    words: tuple[str, ...]

    @classmethod
    def fit(cls, utterances: Iterable[Iterable[str]], min_count: int = 1) -> "Vocabulary":
        """Know every word that occurs `min_count` times: frequent ones first, ties by alphabet.

        >>> Vocabulary.fit([["b", "a"], ["c", "b"]]).words
        ('b', 'a', 'c')
        """
        counts = Counter(word for words in utterances for word in words)
        known = [word for word, count in counts.items() if count >= min_count]
        return cls(tuple(sorted(known, key=lambda word: (-counts[word], word))))

    def __len__(self) -> int:
        """How many numbers there are, padding and unknown included."""
        return len(self.words) + N_RESERVED

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: i for i, word in enumerate(self.words, start=N_RESERVED)}

    def encode(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of the words, `UNKNOWN` for those not known.

        >>> Vocabulary(("yes", "no")).encode(["no", "maybe", "yes"])
        array([3, 1, 2])
        """
        numbers = (self.numbers.get(word, UNKNOWN) for word in words)
        return np.fromiter(numbers, dtype=np.int64, count=len(words))
