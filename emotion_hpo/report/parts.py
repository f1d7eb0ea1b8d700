"""The files of a study, each read whole or left out: the one place that decides what damage does.

A study is worth its page though one of its files was cut off, edited or written by another version:
the page says which, in a line each, and shows the rest.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

from emotion_hpo.errors import EmotionHpoError

T = TypeVar("T")

#: What reading a damaged file raises, besides what our own readers say of it.
_DAMAGE = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error)


class Parts:
    """Reads parts of a study and remembers what is wrong with them.

    Attributes:
        remarks: A line for each that could not be read.
    """

    def __init__(self) -> None:
        self.remarks: list[str] = []

    def read(self, path: Path, reader: Callable[[Path], T]) -> T | None:
        """Return what `reader` makes of a file; None where it is not there, or cannot be used."""
        if not path.exists():
            return None
        try:
            return reader(path)
        except (EmotionHpoError, *_DAMAGE) as error:
            self.remarks.append(f"Left out of this page: {_describe_fault(path, error)}")
            return None


def _describe_fault(path: Path, error: Exception) -> str:
    """Describe what is wrong with a file, in one line that names it."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if str(path) in words else f"{path} cannot be read: {words}"
