"""A shard comes into being: written beside its place, made durable, then renamed into it.

Whatever happens on the way (a kill, a full disk, a broken recording), a folder of the final name is
whole, and what was there before stays. Memory holds one utterance, however long the session.
"""

import errno
import io
import json
import os
import shutil
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.faults import Fault
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extracted import Extracted
from emotion_hpo.features.shard import HEADER, MARKS, TABLE, offsets_file, values_file

FULL = (errno.ENOSPC, errno.EDQUOT)


class _Values:
    """The frames of one modality, appended in the order of arrival."""

    def __init__(self, path: Path, n_utterances: int, dtype: str) -> None:
        self.path = path
        self.dtype = dtype
        self.n_layers = 1
        self.file = path.open("wb")
        self.starts = np.zeros(n_utterances, dtype=np.int64)
        self.lengths = np.zeros(n_utterances, dtype=np.int64)
        self.dimensions = self.n_frames = self.n_lost = self.checksum = 0

    def append(self, row: int, frames: NDArray[np.floating]) -> None:
        """Write an utterance's frames `(frames, d)`, or of several layers `(frames, layers, d)`."""
        if frames.ndim == 3:
            self.n_layers = frames.shape[1]
            frames = frames.reshape(len(frames), -1)
        if not self.dimensions:
            self.dimensions = frames.shape[1]
        if frames.shape[1] != self.dimensions:
            raise FeatureError(
                f"{frames.shape[1]} dimensions, where utterances before have {self.dimensions}"
            )
        data = np.ascontiguousarray(frames, dtype=self.dtype).data.cast("B")
        self.file.write(data)
        self.checksum = zlib.crc32(data, self.checksum)
        self.starts[row], self.lengths[row] = self.n_frames, len(frames)
        self.n_frames += len(frames)
        self.n_lost += int(np.isnan(frames).sum())

    def finish(self) -> None:
        """Close the file, its frames in the table's order."""
        self.file.close()
        rows = np.flatnonzero(self.lengths)
        if np.all(np.diff(self.starts[rows]) > 0):
            return
        arrived = self.path.rename(self.path.with_suffix(".arrived"))
        frames = np.memmap(arrived, self.dtype, mode="r", shape=(self.n_frames, self.dimensions))
        ordered = type(self)(self.path, len(self.lengths), self.dtype)
        for row in map(int, rows):
            ordered.append(row, frames[self.starts[row] : self.starts[row] + self.lengths[row]])
        ordered.file.close()
        self.checksum = ordered.checksum
        arrived.unlink()


class ShardWriter:
    """Writes one shard; a context that leaves nothing behind unless `finish` was reached."""

    def __init__(
        self,
        path: Path,
        table: pd.DataFrame,
        modalities: tuple[str, ...],
        layered: Collection[str] = (),
    ) -> None:
        """Begin a shard.

        Args:
            path: Where it will lie.
            table: The session's utterances.
            modalities: That are stored.
            layered: Those of a pretrained model's layers, which are stored in half precision.
        """
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._table = table
        self._rows = {id_: row for row, id_ in enumerate(table["utterance_id"])}
        self._marks: dict[str, dict[str, str]] = {}
        self._faults: list[Fault] = []
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self._partial, ignore_errors=True)  # left by a process that was killed
            self._partial.mkdir()
            self._values = {
                modality: _open_values(self._partial, modality, len(table), modality in layered)
                for modality in modalities
            }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for values in self._values.values():
            with suppress(OSError):  # a full disk complains again; the folder goes anyway
                values.file.close()
        shutil.rmtree(self._partial, ignore_errors=True)

    def add(self, extracted: Extracted) -> None:
        """Write an utterance's arrays.

        Raises:
            FeatureError: The utterance is unknown or comes twice, an array has another width than
                those before, or the disk is full.
        """
        id_ = extracted.utterance_id
        if id_ not in self._rows or id_ in self._marks:
            trouble = "comes twice" if id_ in self._marks else "is not in the utterance table"
            raise FeatureError(f"{id_}: the recording {trouble}")
        self._marks[id_] = dict(extracted.marks)
        self._faults += extracted.faults
        with disk(self._path):
            for modality, frames in extracted.arrays.items():
                try:
                    self._values[modality].append(self._rows[id_], frames)
                except FeatureError as error:
                    raise FeatureError(f"{id_}: {modality} has {error}") from None

    def finish(self, header: Mapping[str, Any]) -> None:
        """Make the shard durable and give it its name, in place of a damaged one if there is one.

        Args:
            header: What the shard is; what it holds and how its files must be is added.
        """
        with disk(self._path):
            files, features = {}, {}
            for modality, values in self._values.items():
                values.finish()
                files[values.path.name] = {
                    "bytes": values.path.stat().st_size,
                    "crc32": values.checksum,
                }
                offsets = np.concatenate([[0], np.cumsum(values.lengths)]).astype("<i8")
                files |= self._write(offsets_file(modality), _npy(offsets))
                features[modality] = {
                    "dimensions": values.dimensions,
                    "n_present": int(np.count_nonzero(values.lengths)),
                    "n_frames": values.n_frames,
                    "n_lost": values.n_lost,
                    "n_layers": values.n_layers,
                    "dtype": values.dtype,
                }
            files |= self._write(TABLE, _parquet(self._as_stored()))
            marks = {id_: self._marks.get(id_, {}) for id_ in self._rows}
            files |= self._write(MARKS, json.dumps(marks, ensure_ascii=False).encode())
            faults = sorted(self._faults)
            whole = {
                **header,
                "n_utterances": len(self._table),
                "features": features,
                "faults": faults,
            }
            self._write(HEADER, json.dumps({**whole, "files": files}, indent=1).encode())
            for path in (*self._partial.iterdir(), self._partial):
                _make_durable(path)
            self._take_place()

    def _as_stored(self) -> pd.DataFrame:
        """The table, its flags those of what is stored: a recording may have been of no use."""
        flags = {
            f"has_{modality}": values.lengths > 0
            for modality, values in self._values.items()
            if f"has_{modality}" in self._table
        }
        return self._table.assign(**flags)

    def _write(self, name: str, data: bytes) -> dict[str, dict[str, int]]:
        """Write a small file; how the header describes it."""
        (self._partial / name).write_bytes(data)
        return {name: {"bytes": len(data), "crc32": zlib.crc32(data)}}

    def _take_place(self) -> None:
        damaged = damaged_folder(self._path)
        shutil.rmtree(damaged, ignore_errors=True)
        if self._path.exists():
            self._path.rename(damaged)
        self._partial.rename(self._path)
        _make_durable(self._path.parent)
        shutil.rmtree(damaged, ignore_errors=True)


def damaged_folder(shard: Path) -> Path:
    """Return where a damaged shard lies while the new one takes its place."""
    return shard.with_name(f".{shard.name}.damaged")


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into one clear error."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            trouble = "the disk is full; what was stored before is whole. Free some space"
        else:
            trouble = f"cannot be written ({error.strerror})"
        raise FeatureError(f"{path}: {trouble}") from error


def _open_values(folder: Path, modality: str, n_utterances: int, is_layered: bool) -> _Values:
    dtype = "<f2" if is_layered else "<f4"
    return _Values(folder / values_file(modality, dtype), n_utterances, dtype)


def _make_durable(path: Path) -> None:
    """Hand a file, or a folder's list of names, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _npy(array: NDArray[np.int64]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
