"""What is wrong with a corpus's files, counted and named rather than skipped.

A fault that costs an utterance, or one of its modalities, is noted as a `Fault` and reading goes
on; `prepare` shows the count of each kind and the first places. What would make the utterance table
itself doubtful (an id that occurs twice, motion of another width) is a `CorpusError` instead.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from emotion_hpo.errors import CorpusError

#: So many places of each kind are named.
N_NAMED = 10


class Fault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: What, and what became of it; the same words for every fault of its kind.
        place: File, and line where there is one.
    """

    kind: str
    place: str


def counted(faults: Iterable[Fault]) -> dict[str, dict[str, Any]]:
    """Number of faults of each kind and the first places, ready for JSON.

    >>> counted([Fault("no words", "a.txt, line 3")])
    {'no words': {'n': 1, 'first': ['a.txt, line 3']}}
    """
    places: dict[str, list[str]] = {}
    for fault in faults:
        places.setdefault(fault.kind, []).append(fault.place)
    return {kind: {"n": len(all_), "first": all_[:N_NAMED]} for kind, all_ in places.items()}


def refuse(faults: Iterable[Fault]) -> None:
    """Raise if there is any fault: what `corpus.strict=true` asks for.

    Raises:
        CorpusError: With the first places of each kind.
    """
    if found := counted(faults):
        lines = [f"{one}: {kind}" for kind, entry in found.items() for one in entry["first"]]
        raise CorpusError("\n".join(lines))


def at(path: Path, line: int) -> str:
    """A place, as errors and faults name it."""
    return f"{path}, line {line}"


def text_lines(path: Path, faults: list[Fault]) -> Iterator[tuple[int, str]]:
    """Number and text of each line; LF or CRLF, UTF-8 with or without its mark.

    A line that is not UTF-8 is read as Windows-1252, or Latin-1 failing that, and noted.

    Raises:
        CorpusError: The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            faults.append(Fault("not UTF-8, read as Windows-1252", at(path, number)))
            text = _decoded(raw)
        yield number, text.removesuffix("\r")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
