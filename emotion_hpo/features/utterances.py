"""Some utterances of a corpus with their features: rows of shards, read when they are asked for.

Whoever reads an utterance in its dialogue reads `Utterances.turns` beside: every turn that may be
seen, those without a class of interest too, which nobody learns from and nobody scores.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
        """Those that were computed from recordings by rule: no corpus's, no model's states."""
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


class Overlaid:
    """A shelf of which some modalities stand on another one, in the same rows."""

    def __init__(self, shelf: Shelf, other: Shelf) -> None:
        self.features = {**shelf.features, **other.features}
        self.extracted = shelf.extracted


class _Replaced:
    """A shelf of which some modalities have other frames."""

    def __init__(
        self, shelf: Shelf, frames: Mapping[str, Mapping[int, NDArray[np.float32]]]
    ) -> None:
        replaced = {
            name: _OtherFrames(shelf.features[name], rows)
            for name, rows in frames.items()
            if name in shelf.features
        }
        self.features = {**shelf.features, **replaced}
        self.extracted = shelf.extracted


class _OtherFrames:
    """Features of other frames in the place of some; of no frames where there are none."""

    def __init__(self, features: Any, rows: Mapping[int, NDArray[np.float32]]) -> None:  # noqa: ANN401
        self._features, self._rows = features, rows
        self.n_layers = getattr(features, "n_layers", 1)

    def __getitem__(self, row: int) -> NDArray[np.float32]:
        frames: NDArray[np.float32] = self._features[row][:0]
        return self._rows.get(row, frames)


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
        turns: "Utterances | None" = None,
    ) -> None:
        """Take rows of a table.

        Args:
            table: One row an utterance.
            classes: Emotions in the order of the labels.
            shards: Where features stand.
            places: `(n, 2)`: which shard, which row in it.
            turns: All that whoever reads these may see of their dialogues; None: these alone.
        """
        self.table = table
        self.classes = classes
        self._shards = shards
        self._places = places
        self._turns = turns

    @classmethod
    def from_shards(
        cls, shards: tuple[SessionShelf, ...], classes: tuple[str, ...]
    ) -> "Utterances":
        """Return all rows of some shards, labelled or not."""
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
    def turns(self) -> "Utterances":
        """Return every turn of the dialogues that may be seen: these, and those beside them."""
        return self if self._turns is None else self._turns

    @property
    def in_dialogues(self) -> bool:
        """Whether a turn that may be seen has another before it in its dialogue."""
        table = self.turns.table
        return "turn" in table and bool((table["turn"].fillna(0) > 0).any())

    @property
    def ids(self) -> list[str]:
        """Utterance ids in order."""
        return list(self.table["utterance_id"])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each utterance `(n,)`; -1 where it has none."""
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
        """The modalities computed from recordings by rule: no corpus's, no model's states."""
        return frozenset(name for shelf in self._shards for name in shelf.extracted)

    def on_other_shelves(self, change: Callable[[Shelf], Shelf]) -> "Utterances":
        """Return the same utterances, their features read from changed shelves."""
        shards = tuple(change(shard) for shard in self._shards)
        turns = self._turns and self._turns.on_other_shelves(change)
        return Utterances(self.table, self.classes, shards, self._places, turns)

    def followed_by(self, others: Iterable["Utterances"]) -> "Utterances":
        """Return these utterances, and after them others, each read alone; ids may come again."""
        parts = [self, *others]
        table = pd.concat([part.table for part in parts], ignore_index=True)
        firsts = np.cumsum([0, *(len(part._shards) for part in parts[:-1])])
        places = [
            part._places + np.array([first, 0]) for part, first in zip(parts, firsts, strict=True)
        ]
        shards = tuple(shard for part in parts for shard in part._shards)
        return Utterances(table, self.classes, shards, np.concatenate(places))

    def n_layers(self, modality: str) -> int:
        """Return how many layers of a pretrained model a frame holds, one after the other."""
        features = [shelf.features[modality] for shelf in self._shards]
        return max(getattr(sequences, "n_layers", 1) for sequences in features)

    def is_sequence(self, modality: str) -> bool:
        """Return whether any of these utterances has more than one frame of a modality."""
        return any(len(frames) > 1 for frames in self._sequences(modality))

    def _sequences(self, modality: str) -> Iterator[NDArray[np.float32]]:
        for row in range(len(self)):
            yield self.sequence(modality, row)

    def subset(self, rows: NDArray[np.int64] | slice) -> "Utterances":
        """Return some of these utterances, in order; what else may be seen stays so."""
        table = self.table.iloc[rows].reset_index(drop=True)
        return Utterances(table, self.classes, self._shards, self._places[rows], self._turns)

    def labelled(self) -> "Utterances":
        """Return those that have a class, read among all of these."""
        rows = np.flatnonzero(self.labels >= 0)
        return self if len(rows) == len(self) else self.subset(rows).among(self)

    def among(self, turns: "Utterances") -> "Utterances":
        """Return the same utterances, read among these turns, which must hold them.

        Raises:
            ValueError: An utterance is not among them.
        """
        if missing := sorted(set(self.ids) - set(turns.ids)):
            raise ValueError(f"{missing[0]} is not among the turns")
        return Utterances(self.table, self.classes, self._shards, self._places, turns)

    def without(self, modality: str) -> "Utterances":
        """Return the same utterances as if nobody had recorded this modality of any turn."""
        turns = self._turns and self._turns.without(modality)
        table, shards = self.table, self._shards
        if all(modality not in shard.features for shard in shards):  # words are no frames
            table = table.assign(transcript=None)
        else:
            shards = tuple(_Lacking(shard, modality) for shard in shards)
        return Utterances(table, self.classes, shards, self._places, turns)

    def with_words(
        self,
        words: Mapping[str, str | None],
        encoded: Mapping[str, Mapping[str, NDArray[np.float32]]],
    ) -> "Utterances":
        """Return the same utterances as if other words were known of every turn.

        Args:
            words: Utterance → its words, of all turns.
            encoded: Modality made of words → utterance → its features `(frames, d)`.
        """
        if self._turns is None:
            said = [words[name] for name in self.ids]
            table = self.table.assign(transcript=pd.Series(said, self.table.index, object))
            shards = tuple(
                _Replaced(shard, self._frames_of(number, encoded))
                for number, shard in enumerate(self._shards)
            )
            return Utterances(table, self.classes, shards, self._places)
        turns = self._turns.with_words(words, encoded)
        rows = pd.Index(turns.table["utterance_id"]).get_indexer(self.table["utterance_id"])
        return turns.subset(rows.astype(np.int64)).among(turns)

    def _frames_of(
        self, number: int, encoded: Mapping[str, Mapping[str, NDArray[np.float32]]]
    ) -> dict[str, dict[int, NDArray[np.float32]]]:
        """Modality → row of a shelf → the features of the utterance that stands there."""
        rows = {
            name: int(row)
            for name, (shelf, row) in zip(self.ids, self._places, strict=True)
            if shelf == number
        }
        return {
            modality: {row: frames[name] for name, row in rows.items() if name in frames}
            for modality, frames in encoded.items()
        }

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
