"""Some utterances of a corpus with their features: rows of shards, read when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.errors import HoldoutError


class Shelf(Protocol):
    """Where features stand: a shard on disk, or arrays in memory."""

    @property
    def features(self) -> Mapping[str, Any]:
        """Modality → something whose `[row]` is `(frames, d)` float32."""
        ...

    @property
    def extracted(self) -> frozenset[str]:
        """Those that no corpus brought: they were extracted from its recordings."""
        ...


class SessionShelf(Shelf, Protocol):
    """A session's features beside its utterance table, as `features.shard.Shard` holds them."""

    @property
    def table(self) -> pd.DataFrame:
        """The utterances, in the order of the rows."""
        ...


class _Lacking:
    """A shelf of which one modality has no frames."""

    def __init__(self, shelf: Shelf, modality: str) -> None:
        self.features = {**shelf.features, modality: _Empty(shelf.features[modality])}
        self.extracted = shelf.extracted - {modality}


class _Empty:
    """Features of no frames, as wide as some others."""

    def __init__(self, features: Any) -> None:  # noqa: ANN401 (anything with rows)
        self._features = features

    def __getitem__(self, row: int) -> NDArray[np.float32]:
        frames: NDArray[np.float32] = self._features[row]
        return frames[:0]


class Utterances:
    """Some rows of some shards, sorted by id, with their features.

    Attributes:
        table: The utterance table of these rows.
        classes: Emotions in the order of the labels.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        classes: tuple[str, ...],
        shards: tuple[Shelf, ...],
        places: NDArray[np.int64],
    ) -> None:
        self.table = table
        self.classes = classes
        self._shards = shards
        self._places = places  # (n, 2): which shard, which row in it

    @classmethod
    def from_shards(
        cls, shards: tuple[SessionShelf, ...], classes: tuple[str, ...]
    ) -> "Utterances":
        """Return all rows of some shards."""
        table = pd.concat([shard.table for shard in shards], ignore_index=True)
        places = np.concatenate(
            [
                np.stack([np.full(len(shard.table), index), np.arange(len(shard.table))], axis=1)
                for index, shard in enumerate(shards)
            ]
        )
        order = np.argsort(table["utterance_id"].to_numpy(), kind="stable")
        return cls(table.iloc[order].reset_index(drop=True), classes, shards, places[order])

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.table)

    @property
    def ids(self) -> list[str]:
        """Utterance ids in order."""
        return list(self.table["utterance_id"])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each utterance `(n,)`."""
        codes = pd.Categorical(self.table["emotion"], categories=list(self.classes)).codes
        return codes.astype(np.int64)

    def sequence(self, modality: str, row: int) -> NDArray[np.float32]:
        """Return the stored features `(frames, d)` of one utterance; no frame where it has none."""
        shard, place = self._places[row]
        frames: NDArray[np.float32] = self._shards[shard].features[modality][place]
        return frames

    @property
    def framed(self) -> tuple[str, ...]:
        """The modalities of which at least one of these utterances has a frame, sorted."""
        names = sorted({name for shelf in self._shards for name in shelf.features})
        return tuple(name for name in names if any(map(len, self._sequences(name))))

    @property
    def extracted(self) -> frozenset[str]:
        """The modalities that no corpus brought: they were extracted from its recordings."""
        return frozenset(name for shelf in self._shards for name in shelf.extracted)

    def on_other_shelves(self, change: Callable[[Shelf], Shelf]) -> "Utterances":
        """Return the same utterances, their features read from changed shelves."""
        shards = tuple(change(shard) for shard in self._shards)
        return Utterances(self.table, self.classes, shards, self._places)

    def is_sequence(self, modality: str) -> bool:
        """Return whether any of these utterances has more than one frame of a modality."""
        return any(len(frames) > 1 for frames in self._sequences(modality))

    def _sequences(self, modality: str) -> Iterator[NDArray[np.float32]]:
        for row in range(len(self)):
            yield self.sequence(modality, row)

    def subset(self, rows: NDArray[np.int64] | slice) -> "Utterances":
        """Return some of these utterances, in order."""
        table = self.table.iloc[rows].reset_index(drop=True)
        return Utterances(table, self.classes, self._shards, self._places[rows])

    def without(self, modality: str) -> "Utterances":
        """Return the same utterances as if nobody had recorded this modality of them."""
        table = self.table
        if all(modality not in shard.features for shard in self._shards):  # words are no frames
            return Utterances(
                table.assign(transcript=None), self.classes, self._shards, self._places
            )
        shards = tuple(_Lacking(shard, modality) for shard in self._shards)
        return Utterances(table, self.classes, shards, self._places)

    def select(self, ids: list[str]) -> "Utterances":
        """Return the utterances of these ids, in order of ids.

        Raises:
            HoldoutError: An id is not among them, as every sealed utterance's is.
        """
        index = pd.Index(self.table["utterance_id"])
        if missing := sorted(set(ids) - set(index)):
            raise HoldoutError(
                f"{missing[0]} is not among the development utterances: it does not exist, or it "
                "is sealed in the holdout"
            )
        return self.subset(np.sort(index.get_indexer(ids)).astype(np.int64))
