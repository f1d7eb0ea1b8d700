"""Utterances of which some modalities are one vector each: the statistics of their frames.

A vector is computed when it is first read, and then kept as long as the shard is open, so that all
trials of a search, and all subsets of a part, share it.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.features.functionals import describe_frames
from emotion_hpo.features.shard import Ragged
from emotion_hpo.features.utterances import Shelf, Utterances

_Vectors = dict[int, NDArray[np.float32]]

#: Row → its vector, for each modality of each open shard.
_KEPT: WeakKeyDictionary[Ragged, _Vectors] = WeakKeyDictionary()


def describe(utterances: Utterances, modalities: tuple[str, ...]) -> Utterances:
    """Return the same utterances with statistics in the place of some modalities' frames."""
    if not modalities:
        return utterances
    return utterances.on_other_shelves(lambda shelf: _DescribedShelf(shelf, modalities))


class _DescribedShelf:
    """A shelf of which some modalities have one frame an utterance, `9d` wide."""

    def __init__(self, shelf: Shelf, modalities: Iterable[str]) -> None:
        features = shelf.features
        described = {name: _Described(features[name]) for name in modalities if name in features}
        self.features: Mapping[str, Any] = {**features, **described}
        self.extracted = shelf.extracted


class _Described:
    """Statistics of some sequences; no frame where there is none."""

    def __init__(self, sequences: Any) -> None:  # noqa: ANN401 (anything with rows)
        self._sequences = sequences
        is_shards = isinstance(sequences, Ragged)
        self._vectors: _Vectors = _KEPT.setdefault(sequences, {}) if is_shards else {}

    def __getitem__(self, row: int) -> NDArray[np.float32]:
        """Return `(1, 9d)`, or `(0, d)`."""
        if row not in self._vectors:
            frames: NDArray[np.float32] = self._sequences[row]
            if not len(frames):
                return frames
            self._vectors[row] = describe_frames(frames)[None].astype(np.float32)
        return self._vectors[row]
