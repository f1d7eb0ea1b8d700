"""The file of a manifest, as columns of text: CSV as people's programs write it, or Parquet.

A field without a letter is missing, and spaces around one mean nothing, in either format. Columns
may be parted by commas, semicolons or tabs: no name of a column holds one, so that the header says
which. A row is named by file and line where it is a CSV, whose quoted fields may span lines, and by
its number where it is Parquet.
"""

import csv
import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from emotion_hpo.corpus.faults import N_NAMED, csv_lines, format_place, refuse_rows
from emotion_hpo.corpus.parquet import names_as_text, read_parquet
from emotion_hpo.errors import CorpusError, unknown_name

_DELIMITERS = {".csv": ",;\t", ".tsv": "\t,;"}


@dataclass(frozen=True)
class Columns:
    """Which columns a table may have.

    Attributes:
        required: Those that it must have.
        optional: Those that it may have, too.
        is_open: Whether it may have any others beside.
        names: Those that hold names, which are text and no numbers.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    is_open: bool = False
    names: tuple[str, ...] = ()

    def check(self, path: Path, names: Sequence[str]) -> None:
        """Say which columns are unknown, missing or there twice.

        Raises:
            CorpusError: There is any such.
        """
        valid = (*self.required, *self.optional)
        if twice := [name for name in names if names.count(name) > 1]:
            raise CorpusError(f"{path}: column {twice[0]!r} stands twice")
        if "" in names:
            raise CorpusError(f"{path}: column {names.index('') + 1} of the header has no name")
        unknown = [name for name in names if name not in valid]
        if unknown and not self.is_open:
            lines = [f"{path}: {unknown_name('column', name, valid)}" for name in unknown[:N_NAMED]]
            raise CorpusError("\n".join(lines))
        if missing := [name for name in self.required if name not in names]:
            near = difflib.get_close_matches(missing[0], unknown, n=1)
            hint = f"; is it {near[0]!r}?" if near else ""
            raise CorpusError(f"{path}: the table lacks {', '.join(missing)}{hint}")


def read_columns(path: Path, expected: Columns) -> tuple[pd.DataFrame, list[str]]:
    """Read a table whose columns are known.

    Returns:
        The columns, their fields text, or None where nothing is; and the place of each row.

    Raises:
        CorpusError: The file cannot be read, or a column is unknown, missing or there twice.
    """
    suffix = path.suffix.lower()
    if suffix not in {*_DELIMITERS, ".parquet"}:
        raise CorpusError(f"{path}: a table ends in {', '.join(_DELIMITERS)}, .parquet")
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; point corpus.table at your table")
    if suffix == ".parquet":
        return _read_parquet(path, expected)
    return _read_csv(path, expected)


def _read_csv(path: Path, expected: Columns) -> tuple[pd.DataFrame, list[str]]:
    lines = csv_lines(path)
    delimiter = _delimiter(path, lines, (*expected.required, *expected.optional))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[list[str | None]] = []
    places: list[str] = []
    wrong: list[str] = []
    header: list[str] = []
    line = 1
    try:
        for fields in reader:
            if not header:
                header = [name.strip() for name in fields]
                if header:
                    expected.check(path, header)
            elif len(fields) == len(header):
                rows.append([field.strip() or None for field in fields])
                places.append(format_place(path, line))
            elif fields:
                wrong.append(f"{format_place(path, line)} ({len(fields)})")
            line = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(f"{format_place(path, line)}: {error}") from None
    if not header:
        raise CorpusError(
            f"{path}: the table has no header: {', '.join(expected.required)} must be in it"
        )
    if wrong:
        refuse_rows(wrong, f"have another number of fields than the header's {len(header)}")
    return pd.DataFrame(rows, columns=pd.Index(header), dtype=object), places


def _delimiter(path: Path, lines: Sequence[str], valid: Sequence[str]) -> str:
    """What parts the names of the header: the sign that makes the most columns of it."""
    header = next((line for line in lines if line.strip()), "")

    def n_columns(delimiter: str) -> int:
        names = {name.strip().strip('"').strip() for name in header.split(delimiter)}
        return len(names.intersection(valid))

    return max(_DELIMITERS[path.suffix.lower()], key=n_columns)


def _read_parquet(path: Path, expected: Columns) -> tuple[pd.DataFrame, list[str]]:
    try:
        table = read_parquet(path)
        table = table.rename_columns([str(name).strip() for name in table.column_names])
        raw = names_as_text(table, expected.names).to_pandas(use_threads=False)
    except (OSError, ValueError, NotImplementedError, pa.ArrowException) as error:
        words = " ".join(str(error).split())
        raise CorpusError(f"{path}: cannot be read as Parquet ({words})") from None
    names = [str(name).strip() for name in raw.columns]
    expected.check(path, names)
    places = [f"{path}, row {number}" for number in range(1, len(raw) + 1)]
    columns = {}
    for place, name in enumerate(names):
        columns[name] = fields = [_field(value) for value in raw.iloc[:, place]]
        wrong = [places[row] for row, field in enumerate(fields) if field is _NO_TEXT]
        if wrong:
            refuse_rows(wrong, f"have a {name} that is neither text nor a number")
    return pd.DataFrame(columns, columns=pd.Index(names), dtype=object), places


#: Stands for a value that a CSV could not hold.
_NO_TEXT: Any = object()


def _field(value: Any) -> Any:  # noqa: ANN401 (whatever a Parquet file holds)
    """A value as the text that a CSV would hold of it, or None where nothing is.

    A struct, a map or a list is JSON, which is how a CSV holds votes.
    """
    if isinstance(value, dict):  # a struct has every row's keys
        return json.dumps({key: n for key, n in value.items() if n is not None}, default=str)
    if isinstance(value, np.ndarray | list):
        pairs = list(value)
        is_map = bool(pairs) and all(isinstance(pair, tuple) for pair in pairs)
        return json.dumps(dict(pairs) if is_map else pairs, default=_plain)
    if pd.isna(value):
        return None
    if isinstance(value, bytes):
        return _NO_TEXT
    return str(value).strip() or None


def _plain(value: object) -> object:
    """What JSON holds of a NumPy array or number; of anything else its text."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
