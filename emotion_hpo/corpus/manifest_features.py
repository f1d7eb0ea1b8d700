"""Ready-made features of one modality: `.npy`, aligned with the table's rows, or `.npz` by id.

An `.npy` is mapped, so that its size costs no memory; of an `.npz` one array is read at a time.
Nothing is unpickled.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.errors import CorpusError

#: What NumPy, `zipfile` and `zlib` raise where a file is damaged, encrypted or of an odd packing.
_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class FeatureFile:
    """The features of a modality, utterance by utterance.

    Args:
        path: `.npy` of `(n, d)` or `(n, T, d)`, or `.npz` with an array `(d,)` or `(T, d)` an
            utterance.
        modality: Which.
        ids: Of the table's rows, in the file's order.
        key: What names the file, for messages.

    Raises:
        CorpusError: The file cannot be read, or has another number of rows or dimensions.
    """

    def __init__(
        self, path: Path, modality: str, ids: list[str], key: str = "corpus.features"
    ) -> None:
        self.path = path
        self._place = f"{key}.{modality}: {path}"
        self._rows = {name: row for row, name in enumerate(ids)}
        if path.suffix not in {".npy", ".npz"}:
            raise CorpusError(f"{self._place}: features end in .npy or .npz")
        try:
            loaded = self._loaded
        except _UNREADABLE as error:
            raise CorpusError(f"{self._place}: cannot be read as NumPy arrays ({error})") from None
        if isinstance(loaded, np.ndarray):
            self._check(loaded)

    @property
    def faults(self) -> list[Fault]:
        """Utterances without features, and features without an utterance."""
        known = self._named
        lacking = [Fault("no ready-made features", f"{self.path}, {name}")
                   for name in self._rows if name not in known]  # fmt: skip
        unknown = [Fault("features of an unknown utterance", f"{self.path}, {name}")
                   for name in known if name not in self._rows]  # fmt: skip
        return [*lacking, *unknown]

    def has(self, utterance_id: str) -> bool:
        """Whether an utterance has features."""
        return utterance_id in self._named

    def of(self, utterance_id: str) -> NDArray[np.float32] | None:
        """An utterance's features, `(d,)` or `(T, d)`.

        Raises:
            CorpusError: They have another shape, or are no numbers.
        """
        if not self.has(utterance_id):
            return None
        if isinstance(self._loaded, np.ndarray):
            return np.asarray(self._loaded[self._rows[utterance_id]], np.float32)
        try:
            values = self._loaded[utterance_id]
        except _UNREADABLE as error:
            raise CorpusError(f"{self._place}, {utterance_id}: {error}") from None
        if values.ndim not in {1, 2} or not _is_numeric(values) or not values.shape[-1]:
            raise CorpusError(
                f"{self._place}, {utterance_id}: numbers of shape (d,) or (T, d) are needed, but "
                f"got {values.dtype} of {values.shape}"
            )
        return np.asarray(values, np.float32)

    def digest(self, ids: list[str], digests: Digests) -> str:
        """Changes with the features of some utterances; those of others are not read.

        Raises:
            CorpusError: As `of`.
        """

        def values() -> Iterator[bytes]:
            for utterance_id in ids:
                features = self.of(utterance_id)
                if features is not None:
                    yield f"{utterance_id} {features.shape}".encode() + features.tobytes()

        part = hashlib.sha256(repr((ids, list(self._rows))).encode()).hexdigest()
        return digests.of_part(self.path, part, values)

    def _check(self, values: NDArray[Any]) -> None:
        if values.ndim not in {2, 3} or not _is_numeric(values) or not values.shape[-1]:
            raise CorpusError(
                f"{self._place}: numbers of shape (n, d) or (n, T, d) are needed, but got "
                f"{values.dtype} of {values.shape}"
            )
        if len(values) != len(self._rows):
            raise CorpusError(
                f"{self._place}: has {len(values)} rows, but the table has {len(self._rows)}; "
                "use an .npz with an array an utterance_id where they do not align"
            )

    @cached_property
    def _named(self) -> frozenset[str]:
        loaded = self._loaded
        return frozenset(self._rows if isinstance(loaded, np.ndarray) else loaded.files)

    @cached_property
    def _loaded(self) -> Any:  # noqa: ANN401 (an array, or an archive of arrays)
        is_array = self.path.suffix == ".npy"
        return np.load(self.path, mmap_mode="r" if is_array else None, allow_pickle=False)


def _is_numeric(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "fiub"
