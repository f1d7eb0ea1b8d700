"""The table of a manifest: read as text, then checked row by row.

Every complaint names the first ten offending rows: by file and line where it is a CSV, whose quoted
fields may span lines, and by row where it is Parquet.
"""

import csv
import math
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from emotion_hpo.corpus.faults import N_NAMED, Fault, at, text_lines
from emotion_hpo.corpus.labels import check_labels
from emotion_hpo.corpus.parquet import names_as_text
from emotion_hpo.corpus.schema import COLUMNS
from emotion_hpo.errors import CorpusError, unknown_name

REQUIRED = ("utterance_id", "speaker", "session", "emotion")
NAMES = (*REQUIRED, "dialogue")
NUMBERS = ("start_s", "end_s", "valence", "activation", "dominance")
#: What else a manifest may say; the flags of what is there are found out.
OPTIONAL = tuple(
    name for name in COLUMNS if name not in REQUIRED and not name.startswith("has_")
)  # fmt: skip
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Rows:
    """A manifest's rows, in the file's order.

    Attributes:
        table: All columns of the utterance table but the flags.
        has_dialogues: Whether the file says which utterances belong together.
        has_times: Whether it says when each starts and ends.
    """

    table: pd.DataFrame
    has_dialogues: bool
    has_times: bool


def read_rows(path: Path, classes: tuple[str, ...]) -> Rows:
    """Read and check a manifest's table.

    Args:
        path: A CSV (`.csv`, or `.tsv` with tabs) or Parquet table.
        classes: That must occur, if there are any.

    Raises:
        CorpusError: The file cannot be read, a column is unknown or missing, or rows are wrong, of
            which the first ten are named.
    """
    kinds = {".csv": _read_csv, ".tsv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in kinds:
        raise CorpusError(f"{path}: a table ends in {', '.join(kinds)}")
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; point corpus.table at your table")
    raw, places = kinds[path.suffix.lower()](path)
    if raw.empty:
        raise CorpusError(f"{path}: the table has no row")
    given = set(raw.columns)
    if "dialogue" not in given:
        raw["dialogue"] = raw["utterance_id"]
    table = raw.reindex(columns=[*REQUIRED, *OPTIONAL]).astype(object)
    table = table.where(table.notna(), None)
    for column in NAMES:
        _refuse(table[column].isna(), places, f"have no {column}")
        table[column] = table[column].map(str)
        controls = table[column].map(lambda name: any(map(_is_control, name)))
        _refuse(controls.astype(bool), places, f"have a line break or control sign in {column}")
    first = dict(zip(reversed(table["utterance_id"]), reversed(places), strict=True))
    ids = table["utterance_id"]
    _refuse(
        ids.duplicated(),
        places,
        "repeat an utterance_id",
        lambda i: f"{ids[i]}, first in {first[ids[i]]}",
    )
    for column in NUMBERS:
        table[column] = _numbers(table[column], column, places)
    if {"start_s", "end_s"} & given:
        if not {"start_s", "end_s"} <= given:
            raise CorpusError(f"{path}: start_s and end_s go together")
        _refuse(
            ~(table["end_s"] > table["start_s"]), places, "end before they start, or have no times"
        )
    truths = table["wears_markers"].map(lambda one: one is None or str(one).lower() in _TRUTHS)
    _refuse(~truths.astype(bool), places, "have a wears_markers that is neither true nor false")
    table["wears_markers"] = table["wears_markers"].map(
        lambda one: None if one is None else _TRUTHS[str(one).lower()]
    )
    labels = {label: label for label in table["emotion"]}
    check_labels("corpus.classes", classes, labels, str(path))
    return Rows(table, "dialogue" in given, "start_s" in given)


def _is_control(letter: str) -> bool:
    """Whether a letter breaks a line or steers a terminal, rather than being shown."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp")


def _check_names(columns: list[str], path: Path) -> None:
    """Say which columns are unknown, missing or there twice."""
    valid = (*REQUIRED, *OPTIONAL)
    if twice := [one for one in columns if columns.count(one) > 1]:
        raise CorpusError(f"{path}: column {twice[0]} stands twice")
    if unknown := [one for one in columns if one not in valid]:
        lines = [f"{path}: {unknown_name('column', one, valid)}" for one in unknown]
        raise CorpusError("\n".join(lines))
    if missing := [one for one in REQUIRED if one not in columns]:
        raise CorpusError(f"{path}: the table lacks {', '.join(missing)}")


def _read_csv(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Columns of text, None where a field is empty, and the place of each row."""
    faults: list[Fault] = []
    lines = (f"{text}\n" for _, text in text_lines(path, faults))
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[list[str | None]] = []
    places: list[str] = []
    wrong: list[str] = []
    header: list[str] = []
    line = 1
    try:
        for fields in reader:
            if not header:
                header = fields
                _check_names(header, path)
            elif len(fields) == len(header):
                rows.append([field.strip() or None for field in fields])
                places.append(at(path, line))
            elif fields:
                wrong.append(f"{at(path, line)} ({len(fields)})")
            line = reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(f"{at(path, line)}: {error}") from None
    if faults:
        _say([fault.place for fault in faults], "are not UTF-8")
    if wrong:
        _say(wrong, f"have another number of fields than the header's {len(header)}")
    return pd.DataFrame(rows, columns=pd.Index(header), dtype=object), places


def _read_parquet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    try:
        raw = names_as_text(pq.read_table(path), NAMES).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise CorpusError(f"{path}: cannot be read as Parquet ({error})") from None
    _check_names([str(name) for name in raw.columns], path)
    raw = raw.reset_index(drop=True)
    text = raw.astype(object).where(raw.notna(), None)
    return text, [f"{path}, row {number}" for number in range(1, len(raw) + 1)]


def _numbers(column: "pd.Series[float]", name: str, places: list[str]) -> "pd.Series[float]":
    def number(value: object) -> float | None:
        try:
            found = math.nan if value is None else float(str(value))
        except ValueError:
            return None
        return None if math.isinf(found) else found

    found = [number(value) for value in column]
    wrong = pd.Series([value is None for value in found], dtype=bool)
    _refuse(wrong, places, f"have a {name} that is no number", lambda i: repr(column[i]))
    return pd.Series(found, index=column.index, dtype=float)


def _refuse(
    wrong: "pd.Series[bool]",
    places: list[str],
    what: str,
    detail: Callable[[int], str] | None = None,
) -> None:
    """Raise if any row is wrong."""
    rows = [i for i, one in enumerate(wrong) if one]
    if rows:
        _say([f"{places[i]} ({detail(i)})" if detail else places[i] for i in rows], what)


def _say(places: Iterable[str], what: str) -> None:
    """Raise a complaint about some places, the first ten of them named."""
    all_ = list(places)
    more = f"\n… and {len(all_) - N_NAMED} more" if len(all_) > N_NAMED else ""
    listed = "\n".join(all_[:N_NAMED])
    raise CorpusError(f"{len(all_)} rows {what}:\n{listed}{more}")
