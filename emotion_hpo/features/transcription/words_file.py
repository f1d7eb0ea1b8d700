"""A CSV of `id` and `words` that grows by a row an utterance, and survives its writer.

A row is written at once and handed to the disk; half a row, which a kill may leave, is cut off by
the next run. The record beside it says from the start by which recogniser the words are, so that
words of two never meet in one file.
"""

import csv
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from emotion_hpo.corpus.retranscribed import read_words
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.writing import disk
from emotion_hpo.study.records.base import read_if_there, write_record
from emotion_hpo.study.records.transcription import Transcription, place_of

_HEADER = "id,words\n"


class WordsFile:
    """What was recognised, by id; appended to on the disk.

    Attributes:
        path: The CSV.
        words: Id → words; "" where there are none.
    """

    def __init__(self, path: Path, words: dict[str, str]) -> None:
        self.path = path
        self.words = words

    def append(self, utterance_id: str, words: str) -> None:
        """Add an utterance.

        Raises:
            FeatureError: The disk is full or cannot be written to.
        """
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow((utterance_id, words))
        _append(self.path, row.getvalue())
        self.words[utterance_id] = words


@contextmanager
def open_words_file(path: Path, expected: Transcription) -> Iterator[WordsFile]:
    """Begin a CSV, or go on with one by the same recogniser, while no other process does.

    Args:
        path: The CSV.
        expected: Who recognises what.

    Raises:
        FeatureError: Another process writes it, it was not written here, by another recogniser, or
            of other recordings.
    """
    _check_record(path, expected)  # what is refused leaves no lock behind
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FeatureError(
            f"{path} is being written by another process; wait for it, or give another output=FILE"
        ) from None
    try:
        _check_record(path, expected)
        if not place_of(path).exists():
            write_record(place_of(path), expected)
        with disk(path):
            _cut_half_row(path)
        yield WordsFile(path, {name: words for name, (words, _) in read_words(path).items()})
    finally:
        lock.release()


def _check_record(path: Path, expected: Transcription) -> None:
    record = read_if_there(place_of(path), Transcription)
    if record is None:
        if path.exists():
            raise FeatureError(
                f"{path} is there, but not by `emotion-hpo transcribe`; give another output=FILE"
            )
    elif not record.fits(expected):
        raise FeatureError(
            f"{path} holds {_describe(record)}, and not {_describe(expected)}; give another "
            f"output=FILE, or remove it and {place_of(path).name}"
        )
    elif not record.sounds_as(expected):
        raise FeatureError(
            f"{path} holds words of other recordings: {record.sample_id} does not sound as in "
            f"corpus {expected.corpus}, or is not in it; give another output=FILE"
        )


def _describe(record: Transcription) -> str:
    return (
        f"words of corpus {record.corpus} by {record.recogniser} {record.release}, model "
        f"{record.model} ({record.digest[:8]}), language {record.language}"
    )


def _cut_half_row(path: Path) -> None:
    """Cut off what follows the last end of a line; begin the file where there is none."""
    content = path.read_bytes() if path.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        path.write_text(_HEADER, "utf-8")
    elif len(whole) < len(content):
        os.truncate(path, len(whole))


def _append(path: Path, row: str) -> None:
    with disk(path), path.open("ab", buffering=0) as file:
        content = row.encode()
        written = file.write(content)
        if written != len(content):  # the disk is full: the next write says so
            file.write(content[written:])
        os.fsync(file.fileno())
