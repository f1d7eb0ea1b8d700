"""What is wrong with a corpus's files, counted and named rather than skipped.

A fault that costs an utterance, or one of its modalities, is noted as a `Fault` and reading goes
on; `prepare` shows the count of each kind and the first places. What would make the utterance table
itself doubtful (an id that occurs twice, motion of another width) is a `CorpusError` instead.
"""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from emotion_hpo.errors import CorpusError

#: So many places of each kind are named.
N_NAMED = 10

#: What begins a text of each encoding; UTF-16's mark begins UTF-32's, too.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Fault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: What, and what became of it; the same words for every fault of its kind.
        place: File, and line where there is one.
    """

    kind: str
    place: str


def count_by_kind(faults: Iterable[Fault]) -> dict[str, dict[str, Any]]:
    """Count the faults of each kind, with the first places, ready for JSON.

    >>> count_by_kind([Fault("no words", "a.txt, line 3")])
    {'no words': {'n': 1, 'first': ['a.txt, line 3']}}
    """
    places: dict[str, list[str]] = {}
    for fault in faults:
        places.setdefault(fault.kind, []).append(fault.place)
    return {kind: {"n": len(all_), "first": all_[:N_NAMED]} for kind, all_ in places.items()}


def raise_if_any(faults: Iterable[Fault]) -> None:
    """Raise if there is any fault: what `corpus.strict=true` asks for.

    Raises:
        CorpusError: With the first places of each kind.
    """
    if counts := count_by_kind(faults):
        lines = [f"{place}: {kind}" for kind, entry in counts.items() for place in entry["first"]]
        raise CorpusError("\n".join(lines))


def format_place(path: Path, line: int) -> str:
    """Format a place, as errors and faults name it."""
    return f"{path}, line {line}"


def text_lines(path: Path, faults: list[Fault]) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line; LF or CRLF, UTF-8 with or without its mark.

    UTF-16 and UTF-32 are known by their marks. A line that is not UTF-8 is read as Windows-1252, or
    Latin-1 failing that, and noted.

    Raises:
        CorpusError: The file cannot be read.
    """
    try:
        content = _as_utf8(path.read_bytes(), path)
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            faults.append(Fault("not UTF-8, read as Windows-1252", format_place(path, number)))
            text = _decoded(raw)
        yield number, text.removesuffix("\r")


def csv_lines(path: Path) -> list[str]:
    """Read the lines of a CSV, each with its end, as `csv.reader` takes them.

    Raises:
        CorpusError: The file cannot be read, or is not UTF-8 or UTF-16.
    """
    faults: list[Fault] = []
    texts = [text for _, text in text_lines(path, faults)]
    if len(texts) == 1:  # lines may end in CR alone, as old spreadsheets write them
        texts = texts[0].split("\r")
    lines = [f"{text}\n" for text in texts]
    if any("\0" in line for line in lines):
        raise CorpusError(f"{path}: is no text, or UTF-16 without its mark; save it as UTF-8")
    if faults:
        refuse_rows([fault.place for fault in faults], "are not UTF-8 (save the table as UTF-8)")
    return lines


def refuse_rows(places: Iterable[str], what: str) -> NoReturn:
    """Raise a complaint about some rows, the first ten of them named.

    Raises:
        CorpusError: Always.
    """
    named = list(places)
    more = f"\n… and {len(named) - N_NAMED} more" if len(named) > N_NAMED else ""
    listed = "\n".join(named[:N_NAMED])
    raise CorpusError(f"{len(named)} rows {what}:\n{listed}{more}")


def _as_utf8(content: bytes, path: Path) -> bytes:
    """The same text in UTF-8 without a mark.

    Raises:
        CorpusError: It breaks its own encoding.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                content = content.removeprefix(mark).decode(encoding).encode()
            except UnicodeError:
                raise CorpusError(f"{path}: is not {encoding}, as its mark says") from None
            break
    return content.removeprefix(b"\xef\xbb\xbf")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
