"""Anyone's table of utterances as it lies on disk: CSV, TSV or Parquet, one row an utterance.

All three are read alike: text without the spaces around it, None where a field is empty. What is
no such table, though its name says so, is refused with a hint at what it is. Complaints about rows
name the first ten: by file and line where it is text, whose quoted fields may span lines, and by
row where it is Parquet.
"""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from emotion_hpo.corpus.faults import N_NAMED, Fault, at, text_lines
from emotion_hpo.errors import CorpusError

_DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
#: Of the files of text, by the end of their name.
_SEPARATED_BY = {".csv": ",", ".tsv": "\t"}
TABLES = (*_SEPARATED_BY, ".parquet")


def read_table(path: Path, check: Callable[[list[str]], None]) -> tuple[pd.DataFrame, list[str]]:
    """Read a table's columns, and the place of each row.

    Args:
        path: Ends in `.csv`, `.tsv` (with tabs) or `.parquet`.
        check: Judges the columns' names before any row.

    Returns:
        Text, None where a field is empty; Parquet's numbers and lists as they are.

    Raises:
        CorpusError: It cannot be read, a column stands twice, or rows are broken.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLES:
        raise CorpusError(f"{path}: a table ends in {', '.join(TABLES)}")
    if not path.is_file():
        raise CorpusError(f"{path}: no such file")

    def check_all(columns: list[str]) -> None:
        if twice := [name for name in columns if columns.count(name) > 1]:
            raise CorpusError(f"{path}: column {twice[0]!r} stands twice")
        check(columns)

    if suffix == ".parquet":
        return _read_parquet(path, check_all)
    return _read_text(path, _SEPARATED_BY[suffix], check_all)


def refuse_rows(
    is_wrong: "pd.Series[bool]",
    places: list[str],
    what: str,
    detail: Callable[[int], str] | None = None,
) -> None:
    """Raise if any row is wrong.

    Raises:
        CorpusError: The first ten such rows are named.
    """
    rows = [row for row, wrong in enumerate(is_wrong) if wrong]
    if rows:
        _refuse([f"{places[row]} ({detail(row)})" if detail else places[row] for row in rows], what)


def _refuse(places: Iterable[str], what: str) -> None:
    """Raise a complaint about some places, the first ten of them named."""
    all_ = list(places)
    more = f"\n… and {len(all_) - N_NAMED} more" if len(all_) > N_NAMED else ""
    listed = "\n".join(all_[:N_NAMED])
    raise CorpusError(f"{len(all_)} rows {what}:\n{listed}{more}")


def _read_text(
    path: Path, delimiter: str, check: Callable[[list[str]], None]
) -> tuple[pd.DataFrame, list[str]]:
    _refuse_other_content(path)
    faults: list[Fault] = []
    lines = (f"{text}\n" for _, text in text_lines(path, faults))
    rows: list[list[str | None]] = []
    places: list[str] = []
    uneven: list[str] = []
    header: list[str] = []
    line = 1
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if not header:
                header = [name.strip() for name in fields]
                if header:
                    _refuse_other_delimiter(header, delimiter, path)
                    check(header)
            elif len(fields) == len(header):
                rows.append([field.strip() or None for field in fields])
                places.append(at(path, line))
            elif fields:
                uneven.append(f"{at(path, line)} ({len(fields)})")
            line = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(f"{at(path, line)}: {error}") from None
    if not header:
        raise CorpusError(f"{path} is empty")
    if faults:
        _refuse([fault.place for fault in faults], "are not UTF-8")
    if uneven:
        _refuse(uneven, f"have another number of fields than the header's {len(header)}")
    return pd.DataFrame(rows, columns=pd.Index(header), dtype=object), places


def _refuse_other_content(path: Path) -> None:
    """Say what a file of text is, if it is none that is read here."""
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        raise CorpusError(f"{path} is no UTF-8 but UTF-16, or no text at all; save it as UTF-8")
    if head.startswith(b"PAR1"):
        raise CorpusError(f"{path} is a Parquet table; let its name end in .parquet")
    if head.startswith(b"PK\x03\x04"):
        raise CorpusError(f"{path} is a spreadsheet or an archive; save it as CSV in UTF-8")


def _refuse_other_delimiter(header: list[str], delimiter: str, path: Path) -> None:
    """A header of one name is mostly one of many, separated by something else."""
    others = [sign for sign in _DELIMITERS if sign != delimiter and sign in header[0]]
    if len(header) == 1 and others:
        raise CorpusError(
            f"{path}: its columns are separated by {_DELIMITERS[others[0]]}, where "
            f"{_DELIMITERS[delimiter]} are needed; save it as .csv with commas or .tsv with tabs"
        )


def _read_parquet(path: Path, check: Callable[[list[str]], None]) -> tuple[pd.DataFrame, list[str]]:
    try:
        raw = pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        words = " ".join(str(error).split())
        raise CorpusError(f"{path}: cannot be read as Parquet ({words})") from None
    raw.columns = pd.Index([str(name).strip() for name in raw.columns])
    check(list(raw.columns))
    values = raw.reset_index(drop=True).astype(object).map(_without_spaces).astype(object)
    return values.where(values.notna(), None), [
        f"{path}, row {number}" for number in range(1, len(raw) + 1)
    ]


def _without_spaces(value: object) -> object:
    return value.strip() or None if isinstance(value, str) else value
