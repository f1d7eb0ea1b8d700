"""`dialog/MOCAP_*/*.txt`: motion as text, tens of megabytes a dialogue.

A file is read once, from front to back, by pyarrow's columnar reader in blocks; only the frames of
the utterances asked for are kept, so that memory does not grow with the dialogue's text. A lost
marker is the word NaN. A file whose rows have another width is refused: the reference turned such
motion into zeros, and nobody noticed.
"""

import math
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from emotion_hpo.corpus.faults import format_place
from emotion_hpo.errors import CorpusError

#: Two lines above the frames name the columns.
N_HEADERS = 2
#: Text parsed at a time: large enough for the reader's full speed, small beside a dialogue.
_BLOCK_BYTES = 1 << 20
#: A row has 165 values of at most some 12 characters.
_LONGEST_ROW = 1 << 14


def read_time_range(path: Path, width: int) -> tuple[float, float] | None:
    """Read the times of first and last frame, from the file's two ends; None if it has no frame.

    Args:
        path: A file of motion.
        width: Columns of values, beside frame number and time.

    Raises:
        CorpusError: It cannot be read, or one of the two frames is malformed.
    """
    with _opened(path) as file:
        start = file.read(3 * _LONGEST_ROW)
        _refuse_bare_returns(start, path)
        head = start.split(b"\n")
        rows = [
            (number, row)
            for number, row in enumerate(head[:-1], start=1)
            if number > N_HEADERS and row.strip()
        ]
        size = file.seek(0, 2)
        file.seek(max(size - 2 * _LONGEST_ROW, 0))
        tail = [row for row in file.read().split(b"\n") if row.strip()]
    if not rows:
        ended = [row for row in head[N_HEADERS:] if row.strip()]
        if not ended:
            return None
        rows = [(N_HEADERS + 1, ended[0])]
    first = _time(rows[0][1], width, format_place(path, rows[0][0]))
    last = _time(tail[-1], width, f"{path}, last line")
    return first, last


def read_frames(path: Path, width: int, spans: NDArray[np.float64]) -> list[NDArray[np.float32]]:
    """Read the frames of several spans of time, in one pass over the file.

    Args:
        path: A file of motion.
        width: Columns of values, beside frame number and time.
        spans: `(n, 2)`: start and end in seconds, the end left out.

    Returns:
        float32 `(frames, width)` for each span, without a row where the file has no such frame.

    Raises:
        CorpusError: The file cannot be read, or a row is malformed; its line is named.
    """
    pieces: list[list[NDArray[np.float32]]] = [[] for _ in spans]
    try:
        with _opened(path) as file, _reader(file, path, width) as batches:
            for batch in batches:
                _keep(batch, width, spans, pieces)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _malformed(path, width, error) from None
    nothing = np.empty((0, width), np.float32)
    return [np.concatenate([nothing, *span_pieces]) for span_pieces in pieces]


def _reader(file: BinaryIO, path: Path, width: int) -> Any:  # noqa: ANN401 (pyarrow has no types)
    """A reader of the file's blocks, which knows every column's type."""
    names = ["frame", "time", *(f"value_{i}" for i in range(width))]
    types = dict.fromkeys(names[2:], pa.float32()) | {"time": pa.float64(), "frame": pa.float64()}
    if _ends_in_space(path):
        names.append("nothing")  # what follows the space at the end of every row
        types["nothing"] = pa.string()
    return csv.open_csv(
        file,
        csv.ReadOptions(
            use_threads=False,  # every worker reads another dialogue
            block_size=_BLOCK_BYTES,
            skip_rows=N_HEADERS,
            column_names=names,
        ),
        csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False),
        csv.ConvertOptions(column_types=types, null_values=["NaN"], check_utf8=False),
    )


def _keep(
    batch: pa.RecordBatch,
    width: int,
    spans: NDArray[np.float64],
    pieces: list[list[NDArray[np.float32]]],
) -> None:
    """Put the batch's rows where they belong."""
    if batch.column(1).null_count:
        raise pa.ArrowInvalid("a frame has no time")
    if not batch.num_rows:
        return
    times = batch.column(1).to_numpy(zero_copy_only=False)
    touched = np.flatnonzero((spans[:, 0] <= times.max()) & (spans[:, 1] > times.min()))
    if not touched.size:
        return
    columns = batch.columns[2 : width + 2]
    values = np.stack([column.to_numpy(zero_copy_only=False) for column in columns])
    for i in touched:
        inside = (times >= spans[i, 0]) & (times < spans[i, 1])
        if inside.any():
            piece = np.ascontiguousarray(values[:, inside].T)
            if np.isinf(piece).any():
                raise pa.ArrowInvalid("a value is infinite")
            pieces[i].append(piece)


def _malformed(path: Path, width: int, error: pa.ArrowInvalid) -> CorpusError:
    """Find the line that the reader stumbled over."""
    with _opened(path) as file:
        for number, row in enumerate(file, start=1):
            if number > N_HEADERS and row.strip():
                try:
                    _time(row, width, format_place(path, number))
                except CorpusError as complaint:
                    return complaint
    return CorpusError(f"{path}: cannot be read as motion ({str(error).splitlines()[0]})")


def _time(row: bytes, width: int, place: str) -> float:
    """The time of a row, all of whose values are looked at."""
    values = row.strip().split(b" ")
    if len(values) != width + 2:
        raise CorpusError(
            f"{place}: frame, time and {width} values must stand here, but there are "
            f"{len(values)} in all; unpack the file again, or remove it to go without"
        )
    odd = next((value for value in values if not _is_number(value)), None)
    if odd is None and math.isnan(float(values[1])):
        odd = values[1]
    if odd is not None:
        shown = odd[:20].decode("utf-8", "backslashreplace")
        raise CorpusError(f"{place}: {shown!r} is no number; unpack the file again")
    return float(values[1])


def _is_number(value: bytes) -> bool:
    try:
        return not math.isinf(float(value))
    except ValueError:
        return False


def _ends_in_space(path: Path) -> bool:
    with _opened(path) as file:
        start = file.read(3 * _LONGEST_ROW)
    _refuse_bare_returns(start, path)
    rows = start.split(b"\n")[N_HEADERS:]
    return bool(rows) and rows[0].rstrip(b"\r").endswith(b" ")


def _refuse_bare_returns(start: bytes, path: Path) -> None:
    """Refuse a carriage return without a line feed: to pyarrow alone it would end a line.

    Raises:
        CorpusError: The beginning of the file has one.
    """
    if bare := re.search(rb"\r(?=[^\n])", start):
        place = format_place(path, start.count(b"\n", 0, bare.start()) + 1)
        raise CorpusError(f"{place}: a carriage return without a line feed; unpack the file again")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
