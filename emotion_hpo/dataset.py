"""Utterances become batches: scaled features, encoded words, masks, lengths in buckets.

`Inputs.fit` learns from the training part alone what reading needs (a vocabulary, means and
deviations) and is stored with every model. `Dataset` reads features from the memory-mapped shards
batch by batch, so that workers share one copy of the corpus, and pads no further than the batch's
longest. `Dataset.on` hands out a `ResidentDataset` for a GPU: the same batches, gathered there. The
order of an epoch is a function of its seed: a training that continues at epoch 7 sees the batches
that it would have seen.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from emotion_hpo.batch import Batch, InputShape, Sequence
from emotion_hpo.config import FeaturesConfig
from emotion_hpo.errors import ConfigError
from emotion_hpo.features import glove
from emotion_hpo.features.extraction import TEXT
from emotion_hpo.features.text import Vocabulary, tokenise
from emotion_hpo.splits import Utterances

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each dimension, `(d,)` float32."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def fit(cls, sequences: Iterator[NDArray[np.float32]], dimensions: int) -> Self:
        """From all valid frames, in one pass; a constant dimension keeps its deviation of 1."""
        count, total, squares = (np.zeros(dimensions) for _ in range(3))
        for frames in sequences:
            valid = np.isfinite(frames)
            kept = np.where(valid, frames, 0).astype(np.float64)
            count += valid.sum(0)
            total += kept.sum(0)
            squares += (kept**2).sum(0)
        n = np.maximum(count, 1)
        mean = total / n
        deviation = np.sqrt(np.maximum(squares / n - mean**2, 0))
        # Rounding leaves a constant dimension a deviation near 1e-8 of its size, never exactly 0.
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        return cls(mean.astype(np.float32), np.where(constant, 1, deviation).astype(np.float32))

    def __call__(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scaled frames; lost values stay NaN."""
        return (frames - self.mean) / self.deviation


@dataclass(frozen=True)
class FeatureReader:
    """How one feature modality is read: cut at `max_length` frames, then scaled.

    Attributes:
        dimensions: Columns of the features.
        max_length: Longest sequence that is kept.
        corpus: Scale of the training part, or None where nothing is scaled.
        speakers: Scale of each training speaker.
        by_speaker: Whether each speaker has a scale of their own.
    """

    dimensions: int
    max_length: int
    corpus: Scale | None
    speakers: Mapping[str, Scale]
    by_speaker: bool

    def scales(self, utterances: Utterances, modality: str) -> list[Scale | None]:
        """The scale of each utterance.

        A speaker heard in training keeps the scale from there. One who was not gets a scale from
        their own utterances here, which takes no label.
        """
        if not self.by_speaker:
            return [self.corpus] * len(utterances)
        speakers = utterances.table["speaker"].to_numpy()
        shape = (self.max_length, self.dimensions)
        new = {
            speaker: _speaker_scale(utterances, modality, speakers == speaker, shape)
            for speaker in np.unique(speakers)
            if speaker not in self.speakers
        }
        known = {**self.speakers, **new}
        return [known[speaker] for speaker in speakers]


@dataclass(frozen=True)
class Inputs:
    """All that is learnt from the training part in order to read utterances.

    Attributes:
        readers: By feature modality.
        vocabulary: Of the training transcripts, where the network reads text.
        max_words: Longest text that is kept.
        vectors: `(tokens, D)` pretrained vectors of the vocabulary, NaN where there is none, or
            None. Only a new network starts from them, so they are not stored with a trained one.
    """

    readers: Mapping[str, FeatureReader]
    vocabulary: Vocabulary | None
    max_words: int
    vectors: NDArray[np.float32] | None = None

    @classmethod
    def fit(cls, train: Utterances, config: FeaturesConfig, modalities: tuple[str, ...]) -> Self:
        """Learn from training utterances.

        Args:
            train: The training part, alone.
            config: How features are cut and scaled.
            modalities: Those that the network reads.

        Raises:
            ConfigError: No training utterance has one of the modalities.
            FeatureError: The file of word vectors is missing or malformed.
        """
        readers = {
            modality: _fit_reader(train, config, modality)
            for modality in modalities
            if modality != TEXT
        }
        vocabulary = vectors = None
        if TEXT in modalities:
            words = [tokenise(text) for text in train.table["transcript"].dropna()]
            vocabulary = Vocabulary.fit(words, min_count=config.text.min_count)
            if config.text.vectors is not None:
                vectors = glove.vectors(config.text.vectors, vocabulary)
        return cls(readers, vocabulary, config.text.max_words, vectors)

    @property
    def modalities(self) -> tuple[str, ...]:
        """What is read."""
        return (*self.readers, *((TEXT,) if self.vocabulary is not None else ()))

    def shapes(self) -> dict[str, InputShape]:
        """What a network must know of its inputs."""
        shapes = {
            modality: InputShape(reader.dimensions, reader.max_length)
            for modality, reader in self.readers.items()
        }
        if self.vocabulary is not None:
            vectors = None if self.vectors is None else torch.from_numpy(self.vectors)
            shapes[TEXT] = InputShape(0, self.max_words, len(self.vocabulary), vectors)
        return shapes

    def read(self, utterances: Utterances) -> "Dataset":
        """Make utterances ready for batches."""
        return Dataset(self, utterances)


class Dataset:
    """Utterances as a network sees them.

    Attributes:
        utterances: Where they come from.
        labels: Classes `(n,)` int64.
        n_steps: Modality → steps of each utterance `(n,)`, cut as they are read.
    """

    def __init__(self, inputs: Inputs, utterances: Utterances) -> None:
        self.utterances = utterances
        self.labels = torch.from_numpy(utterances.labels)
        self._inputs = inputs
        self._scales = {
            modality: reader.scales(utterances, modality)
            for modality, reader in inputs.readers.items()
        }
        self._tokens = self._encode_text() if inputs.vocabulary is not None else []
        self.n_steps = {name: self._n_steps(name) for name in inputs.modalities}
        self._lengths = self._relative_lengths()
        self._resident: ResidentDataset | None = None

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.utterances)

    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """Every utterance once, in random batches of similar length.

        The utterances are shuffled and cut into buckets of `bucket_batches` batches; a bucket is
        sorted by length and cut into batches; the batches are shuffled again.

        Args:
            batch_size: Utterances a batch; the last may be smaller.
            bucket_batches: 1 for purely random batches; more for less padding.
            seed: Of the order.
        """
        yield from map(self.batch, self.order(batch_size, bucket_batches, seed))

    def order(self, batch_size: int, bucket_batches: int, seed: list[int]) -> list[Rows]:
        """The rows of each batch of an epoch."""
        generator = np.random.default_rng(seed)
        order = generator.permutation(len(self))
        size = batch_size * bucket_batches
        buckets = [order[start : start + size] for start in range(0, len(order), size)]
        batches = [batch for bucket in buckets for batch in self._by_length(bucket, batch_size)]
        return [batches[index] for index in generator.permutation(len(batches))]

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Every utterance once, by length, for evaluation; `Batch.rows` tells which is which."""
        yield from map(self.batch, self.by_length(batch_size))

    def by_length(self, batch_size: int) -> list[Rows]:
        """The rows of each batch of an evaluation."""
        return self._by_length(np.arange(len(self)), batch_size)

    def on(self, device: torch.device) -> "Dataset | ResidentDataset":
        """These utterances where a network on that device finds them; encoded once."""
        if device.type == "cpu":
            return self
        if self._resident is None or self._resident.device != device:
            self._resident = ResidentDataset(self, device)
        return self._resident

    def vote_shares(self) -> Tensor:
        """The share of each class among the votes for any of them, `(n, classes)`.

        An utterance without such a vote has its label's alone.

        Raises:
            ConfigError: The corpus holds no votes.
        """
        if "votes" not in self.utterances.table or self.utterances.table["votes"].isna().all():
            raise ConfigError(
                "training.labels: the corpus has no annotators' votes; leave it at majority"
            )
        classes = self.utterances.classes
        shares = F.one_hot(self.labels, len(classes)).float()
        for row, votes in enumerate(self.utterances.table["votes"]):
            given = json.loads(votes) if isinstance(votes, str) else {}
            counts = torch.tensor([float(given.get(name, 0)) for name in classes])
            if counts.any():
                shares[row] = counts / counts.sum()
        return shares

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The utterances of some rows, padded to the longest of them."""
        modalities = {name: self._features(name, rows) for name in self._inputs.readers}
        if self._inputs.vocabulary is not None:
            modalities[TEXT] = _padded_tokens([self._tokens[row] for row in rows])
        where = torch.from_numpy(np.ascontiguousarray(rows))
        return Batch(modalities, self.labels[where], where)

    def _features(self, modality: str, rows: NDArray[np.int64]) -> Sequence:
        reader = self._inputs.readers[modality]
        scales = self._scales[modality]
        sequences = [self.utterances.sequence(modality, row)[: reader.max_length] for row in rows]
        lengths = [len(frames) for frames in sequences]
        values = np.full((len(rows), max(1, *lengths), reader.dimensions), np.nan, np.float32)
        for place, (row, frames) in enumerate(zip(rows, sequences, strict=True)):
            scale = scales[row]
            values[place, : len(frames)] = frames if scale is None else scale(frames)
        valid = torch.from_numpy(np.isfinite(values))
        mask = valid.any(2)
        return Sequence(torch.from_numpy(values).masked_fill_(~valid, 0), mask, mask.any(1))

    def _encode_text(self) -> list[NDArray[np.int64]]:
        vocabulary = self._inputs.vocabulary
        assert vocabulary is not None
        transcripts = self.utterances.table["transcript"]
        return [
            np.asarray(vocabulary.encode(tokenise(text))[: self._inputs.max_words], np.int64)
            if isinstance(text, str)
            else np.zeros(0, np.int64)
            for text in transcripts
        ]

    def _n_steps(self, modality: str) -> NDArray[np.int64]:
        if modality == TEXT:
            return np.array([len(tokens) for tokens in self._tokens], np.int64)
        longest = self._inputs.readers[modality].max_length
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


class ResidentDataset:
    """A data set that lies encoded on one device; its batches are those of the original.

    Padded to the longest utterance once, and cut to the batch's longest when asked for. The rows of
    a whole epoch go there at once, so that nothing else does until the epoch ends.
    """

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.device = device
        self.utterances = data.utterances
        self.labels = data.labels.to(device)
        self._data = data
        whole = data.batch(np.arange(len(data)))
        self._modalities = {name: one.to(device) for name, one in whole.modalities.items()}

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self._data)

    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """As `Dataset.epoch`."""
        return self._batches(self._data.order(batch_size, bucket_batches, seed))

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """As `Dataset.in_order`."""
        return self._batches(self._data.by_length(batch_size))

    def on(self, device: torch.device) -> "Dataset | ResidentDataset":
        """As `Dataset.on`."""
        return self if device == self.device else self._data.on(device)

    def vote_shares(self) -> Tensor:
        """As `Dataset.vote_shares`."""
        return self._data.vote_shares().to(self.device)

    def _batches(self, order: list[Rows]) -> Iterator[Batch]:
        every = torch.from_numpy(np.concatenate(order)).to(self.device)
        for rows, rows_B in zip(order, every.split([len(one) for one in order]), strict=True):  # type: ignore[no-untyped-call]
            modalities = {}
            for name, one in self._modalities.items():
                longest = max(1, int(self._data.n_steps[name][rows].max()))
                values = one.values[:, :longest].index_select(0, rows_B)
                mask_BT = one.mask[:, :longest].index_select(0, rows_B)
                modalities[name] = Sequence(values, mask_BT, one.present.index_select(0, rows_B))
            yield Batch(modalities, self.labels.index_select(0, rows_B), rows_B)


def _fit_reader(train: Utterances, config: FeaturesConfig, modality: str) -> FeatureReader:
    settings: Any = getattr(config, modality, None)
    rows = range(len(train))
    lengths = [len(train.sequence(modality, row)) for row in rows]
    longest = max(lengths, default=0)
    if longest == 0:
        raise ConfigError(
            f"model.encoders.{modality}: no training utterance has {modality}; leave the encoder "
            "out (model=…) or give the corpus this modality"
        )
    dimensions = train.sequence(modality, int(np.argmax(lengths))).shape[1]
    limit = getattr(settings, "max_frames", None) or getattr(settings, "n_parts", None)
    max_length = int(limit or longest)
    normalise = getattr(settings, "normalise", "corpus")
    corpus: Scale | None = None
    speakers: dict[str, Scale] = {}
    if normalise == "corpus":
        cut = (train.sequence(modality, row)[:max_length] for row in rows)
        corpus = Scale.fit(cut, dimensions)
    elif normalise == "speaker":
        names = train.table["speaker"].to_numpy()
        speakers = {
            name: _speaker_scale(train, modality, names == name, (max_length, dimensions))
            for name in np.unique(names)
        }
    return FeatureReader(
        dimensions, max_length, corpus, speakers, by_speaker=normalise == "speaker"
    )


def _speaker_scale(
    utterances: Utterances, modality: str, mine: NDArray[np.bool_], shape: tuple[int, int]
) -> Scale:
    """The scale of one speaker's utterances, cut as they are read."""
    max_length, dimensions = shape
    rows = np.flatnonzero(mine)
    sequences = (utterances.sequence(modality, int(row))[:max_length] for row in rows)
    return Scale.fit(sequences, dimensions)


def _padded_tokens(tokens: list[NDArray[np.int64]]) -> Sequence:
    longest = max(1, *(len(one) for one in tokens))
    values = np.zeros((len(tokens), longest), np.int64)
    mask = np.zeros((len(tokens), longest), bool)
    for place, one in enumerate(tokens):
        values[place, : len(one)] = one
        mask[place, : len(one)] = True
    mask_BT = torch.from_numpy(mask)
    return Sequence(torch.from_numpy(values), mask_BT, mask_BT.any(1))
