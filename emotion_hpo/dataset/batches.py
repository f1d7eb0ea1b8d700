"""Utterances in batches: random ones of similar length, padded no further than the longest.

Features are read from the memory-mapped shards batch by batch, so that workers share one copy of
the corpus. The order of an epoch is a function of its seed: a training that continues at epoch 7
sees the batches that it would have seen. Batches of whole dialogues are made by `dialogues`.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from emotion_hpo.config.features import TEXT, TEXT_FACTORS
from emotion_hpo.dataset.batch import Batch, Sequence
from emotion_hpo.dataset.scaling import FeatureReader
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances

Rows = NDArray[np.int64]

#: Utterances that are looked through at once for what they have.
_LOOKED_THROUGH = 64

#: What of its dialogue is read beside an utterance: all that a model reads, only what was before
#: it, or nothing.
Reads = Literal["all", "past", "alone"]


class BatchSource(Protocol):
    """Utterances in batches, on the device where a network finds them."""

    @property
    def utterances(self) -> Utterances:
        """Where they come from."""
        ...

    @property
    def labels(self) -> Tensor:
        """Classes `(n,)` int64."""
        ...

    @property
    def n_steps(self) -> Mapping[str, NDArray[np.int64]]:
        """Modality → steps of each utterance `(n,)`."""
        ...

    def __len__(self) -> int:
        """Number of utterances."""
        ...

    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """Yield every utterance once, in random batches."""
        ...

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every utterance once, with little padding."""
        ...

    def batch(self, rows: Rows) -> Batch:
        """Make a batch of some rows, each utterance alone."""
        ...

    def vote_shares(self) -> Tensor:
        """Return the share of each class among the votes for any of them, `(n, classes)`."""
        ...


class Dataset(ABC):
    """Utterances as a model sees them: each alone, or among the turns of its dialogue.

    Attributes:
        utterances: Where they come from.
        labels: Classes `(n,)` int64.
        n_steps: Modality → steps of each utterance `(n,)`, cut as they are read.
        in_dialogues: Whether a batch is whole dialogues, and its size their turns.
    """

    in_dialogues: ClassVar[bool]
    n_steps: Mapping[str, NDArray[np.int64]]

    def __init__(self, utterances: Utterances) -> None:
        self.utterances = utterances
        self.labels = torch.from_numpy(utterances.labels)

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.utterances)

    @property
    @abstractmethod
    def turns(self) -> "UtteranceDataset":
        """Return whose features are read, each alone."""

    @property
    @abstractmethod
    def places(self) -> Rows:
        """Return where among the turns each utterance stands, `(n,)`."""

    @abstractmethod
    def neighbours(self, first: int, last: int) -> list[Rows]:
        """Return of each utterance the turns at those distances that are read beside it.

        Args:
            first: Distance of the first, such as -8; those after the utterance are above 0.
            last: Distance of the last, on the same side.
        """

    @abstractmethod
    def reading_from(self, source: BatchSource) -> BatchSource:
        """Return these utterances, their turns' features read from there."""

    @abstractmethod
    def reading(self, reads: Reads) -> "Dataset":
        """Return these utterances, with that much of their dialogues beside them."""

    @abstractmethod
    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """Yield every utterance once, in random batches.

        Args:
            batch_size: Utterances a batch, or turns; the last may be smaller.
            bucket_batches: 1 for purely random batches; more for less padding.
            seed: Of the order.
        """

    @abstractmethod
    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every utterance once, with little padding; `Batch.rows` tells which is which."""

    @abstractmethod
    def by_length(self, batch_size: int, rows: Rows | None = None) -> list[Rows]:
        """Return the rows, or some of them, in batches of similar length."""

    @abstractmethod
    def batch(self, rows: Rows) -> Batch:
        """Make a batch of some rows, each alone, padded to the longest of them."""

    @abstractmethod
    def subset(self, rows: Rows) -> "Dataset":
        """Return some of the utterances; what they are read among stays."""

    def presence(self) -> dict[str, NDArray[np.bool_]]:
        """Return modality → which utterances have any of it, `(n,)`."""
        present = {name: np.zeros(len(self), bool) for name in self.n_steps}
        for rows in self.by_length(_LOOKED_THROUGH):
            for name, sequence in self.batch(rows).modalities.items():
                present[name][rows] = sequence.present.numpy()
        return present

    def vote_shares(self) -> Tensor:
        """Return the share of each class among the votes for any of them, `(n, classes)`.

        An utterance without such a vote has its label's alone.

        Raises:
            ConfigError: The corpus holds no votes.
        """
        if "votes" not in self.utterances.table or self.utterances.table["votes"].isna().all():
            raise ConfigError(
                "training.labels: the corpus has no annotators' votes; leave it at majority"
            )
        classes = self.utterances.classes
        shares = F.one_hot(self.labels.cpu(), len(classes)).float()
        for row, votes in enumerate(self.utterances.table["votes"]):
            given = json.loads(votes) if isinstance(votes, str) else {}
            counts = torch.tensor([float(given.get(name, 0)) for name in classes])
            if counts.any():
                shares[row] = counts / counts.sum()
        return shares.to(self.labels.device)


class UtteranceDataset(Dataset):
    """Utterances as a model sees them that reads each alone."""

    in_dialogues = False

    def __init__(
        self,
        utterances: Utterances,
        readers: Mapping[str, FeatureReader],
        tokens: list[NDArray[np.int64]] | None,
        factors: NDArray[np.float32] | None = None,
    ) -> None:
        """Take utterances as they are to be read.

        Args:
            utterances: Where they come from.
            readers: How each feature modality is cut and scaled.
            tokens: Each utterance's words as numbers, or None where text is not read.
            factors: `(n, k)`, each transcript as a vector, NaN where there is none, or None where
                none is read.
        """
        super().__init__(utterances)
        self._readers = readers
        self._scales = {
            modality: reader.scales(utterances, modality) for modality, reader in readers.items()
        }
        self._tokens = tokens
        self._factors = factors
        of_words = {TEXT: tokens, TEXT_FACTORS: factors}
        modalities = (*readers, *(name for name, view in of_words.items() if view is not None))
        self.n_steps = {name: self._n_steps(name) for name in modalities}
        self._lengths = self._relative_lengths()

    @property
    def turns(self) -> "UtteranceDataset":
        """Return these utterances."""
        return self

    @property
    def places(self) -> Rows:
        """Return where among the turns each utterance stands, `(n,)`."""
        return np.arange(len(self))

    def neighbours(self, first: int, last: int) -> list[Rows]:  # noqa: ARG002 (each is alone)
        """Return of each utterance the turns at those distances: none."""
        return [self.places[:0]] * len(self)

    def reading_from(self, source: BatchSource) -> BatchSource:
        """Return the source: it is these utterances."""
        return source

    def reading(self, reads: Reads) -> "UtteranceDataset":  # noqa: ARG002 (each is alone)
        """Return the same."""
        return self

    @property
    def reads_words(self) -> bool:
        """Whether text is read as words, rather than as a pretrained model's features."""
        return self._tokens is not None

    @property
    def dense_modalities(self) -> tuple[str, ...]:
        """The modalities whose steps are features, rather than words."""
        return tuple(self._readers)

    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """Yield every utterance once, in random batches of similar length.

        The utterances are shuffled and cut into buckets of `bucket_batches` batches; a bucket is
        sorted by length and cut into batches; the batches are shuffled again.
        """
        yield from map(self.batch, self.order(batch_size, bucket_batches, seed))

    def order(self, batch_size: int, bucket_batches: int, seed: list[int]) -> list[Rows]:
        """Draw the rows of each batch of an epoch."""
        generator = np.random.default_rng(seed)
        order = generator.permutation(len(self))
        size = batch_size * bucket_batches
        buckets = [order[start : start + size] for start in range(0, len(order), size)]
        batches = [batch for bucket in buckets for batch in self._by_length(bucket, batch_size)]
        return [batches[index] for index in generator.permutation(len(batches))]

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every utterance once, sorted by length; `Batch.rows` tells which is which."""
        yield from map(self.batch, self.by_length(batch_size))

    def by_length(self, batch_size: int, rows: Rows | None = None) -> list[Rows]:
        """Return the rows, or some of them, in batches of similar length."""
        return self._by_length(np.arange(len(self)) if rows is None else rows, batch_size)

    def subset(self, rows: Rows) -> "UtteranceDataset":
        """Return some of the utterances, as if the others had never been there."""
        tokens = None if self._tokens is None else [self._tokens[row] for row in rows]
        factors = None if self._factors is None else self._factors[rows]
        return UtteranceDataset(self.utterances.subset(rows), self._readers, tokens, factors)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Make a batch of some rows, padded to the longest of them."""
        modalities = {name: self._features(name, rows) for name in self._readers}
        if self._tokens is not None:
            modalities[TEXT] = _padded_tokens([self._tokens[row] for row in rows])
        if self._factors is not None:
            modalities[TEXT_FACTORS] = _as_steps(self._factors[rows])
        where = torch.from_numpy(np.ascontiguousarray(rows))
        return Batch(modalities, self.labels[where], where)

    def _features(self, modality: str, rows: NDArray[np.int64]) -> Sequence:
        reader = self._readers[modality]
        scales = self._scales[modality]
        sequences = [self.utterances.sequence(modality, row)[: reader.max_length] for row in rows]
        lengths = [len(frames) for frames in sequences]
        values = np.full((len(rows), max(1, *lengths), reader.dimensions), np.nan, np.float32)
        for place, (row, frames) in enumerate(zip(rows, sequences, strict=True)):
            if not len(frames):  # where a whole session has none, they have no width either
                continue
            scale = scales[row]
            values[place, : len(frames)] = frames if scale is None else scale(frames)
        valid = torch.from_numpy(np.isfinite(values))
        mask = valid.any(2)
        return Sequence(torch.from_numpy(values).masked_fill_(~valid, 0), mask, mask.any(1))

    def _n_steps(self, modality: str) -> NDArray[np.int64]:
        if modality == TEXT and self._tokens is not None:
            return np.array([len(tokens) for tokens in self._tokens], np.int64)
        if modality == TEXT_FACTORS and self._factors is not None:
            return np.asarray(np.isfinite(self._factors).all(axis=1), np.int64)
        longest = self._readers[modality].max_length
        rows = range(len(self))
        lengths = [len(self.utterances.sequence(modality, row)) for row in rows]
        return np.minimum(np.array(lengths, np.int64), longest)

    def _relative_lengths(self) -> NDArray[np.float64]:
        """What batches are sorted by: an utterance's lengths as shares of the longest, summed."""
        lengths = np.array([*self.n_steps.values()], float).reshape(-1, len(self))
        longest = np.maximum(1, lengths.max(axis=1, initial=0, keepdims=True))
        total: NDArray[np.float64] = (lengths / longest).sum(0)
        return total

    def _by_length(self, rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
        ordered = rows[np.argsort(self._lengths[rows], kind="stable")]
        return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _as_steps(vectors: NDArray[np.float32]) -> Sequence:
    """Return vectors as sequences of one step each, `(n, 1, d)`; those of NaN are not there."""
    values_BTD = torch.from_numpy(vectors)[:, None]
    mask_BT = values_BTD.isfinite().all(2)
    return Sequence(values_BTD.nan_to_num(0), mask_BT, mask_BT.any(1))


def _padded_tokens(tokens: list[NDArray[np.int64]]) -> Sequence:
    longest = max(1, *(len(numbers) for numbers in tokens))
    values = np.zeros((len(tokens), longest), np.int64)
    mask = np.zeros((len(tokens), longest), bool)
    for place, numbers in enumerate(tokens):
        values[place, : len(numbers)] = numbers
        mask[place, : len(numbers)] = True
    mask_BT = torch.from_numpy(mask)
    return Sequence(torch.from_numpy(values), mask_BT, mask_BT.any(1))
