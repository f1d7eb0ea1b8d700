"""One session's features on disk, memory-mapped: how they are read, and how damage is found.

A shard is a folder: `shard.json` (what it is, and every file's size and checksum), `table.parquet`,
`marks.json` (by which an utterance's recordings are known again), and for each modality
`<name>.f32` (all frames, one after the other; of a pretrained model's layers `<name>.f16`) and
`<name>.offsets.npy`.
Opening one reads its header and touches no other shard. Values are read by the pages that are asked
for, and processes that open the same shard share them.
"""

import json
import zlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.features import PRETRAINED
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.parquet import read_parquet
from emotion_hpo.corpus.schema import COLUMNS
from emotion_hpo.errors import FeatureError

HEADER = "shard.json"
TABLE = "table.parquet"
MARKS = "marks.json"
VALUES = {"<f4": ".f32", "<f2": ".f16"}  # by type: little-endian numbers, nothing else
CHUNK_BYTES = 1 << 24


def values_file(modality: str, dtype: str = "<f4") -> str:
    """Name of the file that holds a modality's frames."""
    return f"{quote(modality, safe='')}{VALUES[dtype]}"


def offsets_file(modality: str) -> str:
    """Name of the file that says where each utterance's frames lie."""
    return f"{quote(modality, safe='')}.offsets.npy"


class Ragged:
    """Sequences of different lengths, mapped when first asked for.

    A pickled one carries its path, not its values.
    """

    def __init__(self, folder: Path, modality: str, entry: Mapping[str, Any]) -> None:
        """Take what a shard's header says of a modality."""
        self.dimensions: int = entry["dimensions"]
        self.n_layers: int = entry.get("n_layers", 1)
        self._dtype: str = entry.get("dtype", "<f4")
        self._values_path = folder / values_file(modality, self._dtype)
        self._offsets_path = folder / offsets_file(modality)

    @cached_property
    def values(self) -> NDArray[np.floating]:
        """All frames as they are stored, `(total, dimensions)`, read-only."""
        shape = (int(self.offsets[-1]), self.dimensions)
        if 0 in shape:
            return np.empty(shape, dtype=np.float32)
        # As a plain array: every slice of a `memmap` costs twice as much.
        return np.asarray(np.memmap(self._values_path, self._dtype, mode="r", shape=shape))

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """`(n + 1,)`: utterance `i` has the frames from `offsets[i]` up to `offsets[i + 1]`."""
        offsets: NDArray[np.int64] = np.load(self._offsets_path)
        return offsets

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Frames of each utterance; 0 where it has none."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        """Number of utterances, those without frames included."""
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Frames of one utterance, `(frames, dimensions)`."""
        frames = self.values[self.offsets[index] : self.offsets[index + 1]]
        return frames.astype(np.float32, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        mapped = {"values", "offsets"}
        return {name: value for name, value in vars(self).items() if name not in mapped}


class Shard:
    """A session's utterance table and features.

    Attributes:
        path: Its folder.
        session: Which session it holds.
        key: Of its content: what it was extracted from, and how.
        header: What `shard.json` says.
        faults: Recordings and arrays that could not be used.
        features: Modality to sequences, in the table's order.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.header = header
        self.session: str = header["session"]
        self.key: str = header["key"]
        self.faults = tuple(Fault(*entry) for entry in header.get("faults", ()))
        self.features = {
            modality: Ragged(path, modality, entry)
            for modality, entry in header["features"].items()
        }

    @cached_property
    def table(self) -> pd.DataFrame:
        """The session's turns, sorted by id."""
        table: pd.DataFrame = read_parquet(self.path / TABLE).to_pandas(use_threads=False)
        # Of a corpus without order in time, a shard may be older than the column.
        return table.reindex(columns=list(COLUMNS)).astype({"turn": "Int64"})

    @property
    def extracted(self) -> frozenset[str]:
        """The modalities that were computed here from recordings, by rule: no model's states."""
        settings: Mapping[str, Mapping[str, Any]] = self.header.get("extraction", {})
        return frozenset(
            name for name, values in settings.items() if values.get("name") != PRETRAINED
        )

    @cached_property
    def marks(self) -> dict[str, dict[str, str]]:
        """Utterance → kind → mark of its recordings (`marks.compute_marks`)."""
        marks: dict[str, dict[str, str]] = json.loads((self.path / MARKS).read_text("utf-8"))
        return marks


def open_shard(path: Path, key: str) -> Shard:
    """Open a shard; all is checked but the frames themselves, of which only the number is.

    Raises:
        FeatureError: It is missing, damaged, or another one.
    """
    if damage := find_damage(path, key):
        raise FeatureError(f"{path}: {damage}; `emotion-hpo prepare` makes it anew")
    return Shard(path, _header(path))


def find_damage(path: Path, key: str, *, checksums: bool = False) -> str | None:
    """Say what is wrong with a shard, or None.

    Args:
        path: Its folder.
        key: What its content must be.
        checksums: Read every frame too, rather than their files' sizes alone.
    """
    try:
        header = _header(path)
        if header["key"] != key:
            return f"its key is {header['key']}, not {key}"
        for name, expected in header["files"].items():
            size = (path / name).stat().st_size
            if size != expected["bytes"]:
                return f"{name} has {size} bytes where {expected['bytes']} were written"
            read = checksums or not name.endswith((*VALUES.values(),))
            if read and _checksum(path / name) != expected["crc32"]:
                return f"{name} is not what was written (its checksum differs)"
    except (FileNotFoundError, NotADirectoryError) as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"{Path(error.filename).name} cannot be read ({error.strerror})"
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return f"{HEADER} cannot be read"
    return None


def _header(path: Path) -> dict[str, Any]:
    header: dict[str, Any] = json.loads((path / HEADER).read_text("utf-8"))
    return header


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
