"""Pretrained word vectors, read from the text format of GloVe and word2vec.

The files hold millions of words, a study some thousands: a line is looked at as far as its first
space, and only a line that may belong to a word of the study is parsed.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import FeatureError
from emotion_hpo.features.text import Vocabulary

BUFFER_BYTES = 1 << 22  # files of gigabytes are read once, from front to back


def read_vectors(path: Path, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """Read the vectors of a vocabulary's words.

    Args:
        path: A line a word: the word, then its numbers, parted by spaces. A first line of a count
            and a width, as word2vec writes it, is understood.
        vocabulary: The words; a word that the file gives twice keeps its first vector.

    Returns:
        float32 `(len(vocabulary), width)`; NaN for padding, unknown and words not in the file.

    Raises:
        FeatureError: The file is missing or empty, or a line is malformed, which is named. Lines of
            other words are not checked beyond their first space.
    """
    number_of = {word.encode(): number for word, number in vocabulary.numbers.items()}
    try:
        with path.open("rb", buffering=BUFFER_BYTES) as lines:
            width, is_header = _read_width(path, lines.readline())
            matrix = np.full((len(vocabulary), width), np.nan, dtype=np.float32)
            filled: set[int] = set()
            if not is_header:
                lines.seek(0)
            for line_number, line in enumerate(lines, start=1 + is_header):
                end = line.find(b" ")
                if end < 1:
                    raise _malformed(path, line_number, width)
                number = number_of.get(line[:end])
                if number is None or number in filled:
                    continue
                vector = _numbers(line.split()[1:], width)
                if vector is None:
                    raise _malformed(path, line_number, width)
                if not vector:
                    continue
                matrix[number] = vector
                filled.add(number)
    except OSError as error:
        raise FeatureError(f"{path}: {error.strerror}") from None
    return matrix


def check_vectors(path: Path, width: int) -> None:
    """Check that a file of word vectors can be read and is of a width, by its first line.

    Raises:
        FeatureError: It is missing or empty, its first line is malformed or of another width.
    """
    try:
        with path.open("rb") as lines:
            actual, _ = _read_width(path, lines.readline())
    except OSError as error:
        raise FeatureError(f"{path}: {error.strerror}") from None
    if actual != width:
        raise FeatureError(f"{path} has vectors of {actual} dimensions; {width} are needed")


def _read_width(path: Path, first: bytes) -> tuple[int, bool]:
    """Return how wide the vectors are by the first line, and whether that line is a header."""
    fields = first.split()
    is_header = len(fields) == 2 and fields[1].isdigit()
    width = int(fields[1]) if is_header else len(fields) - 1
    if width < 1:
        raise FeatureError(f"{path}, line 1: a word and its numbers must stand here")
    return width, is_header


def _numbers(fields: list[bytes], width: int) -> list[float] | None:
    """The numbers of a line; none where its word holds spaces; None where it is malformed."""
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        # Published files hold such words: `at name@domain.com 0.1 …` is no line of `at`.
        return [] if len(fields) > width else None
    return numbers if len(numbers) == width and all(map(math.isfinite, numbers)) else None


def _malformed(path: Path, line_number: int, width: int) -> FeatureError:
    return FeatureError(f"{path}, line {line_number}: a word and {width} numbers must stand here")
