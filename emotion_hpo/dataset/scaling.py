"""Means and deviations of features, by corpus or by speaker, fitted on the training part.

A speaker's own scale is a blend with the corpus's, by how many utterances of theirs there are: of a
lone utterance nobody knows what in it is the voice and what the emotion, and scaled by itself alone
a vector would become zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.features.utterances import Utterances

#: Who speaks where nobody says it; all such utterances are scaled as one speaker's.
UNKNOWN_SPEAKER = "unknown"

#: The corpus's scale weighs as much as so many utterances of a speaker: beside one utterance it is
#: three quarters, beside the 8 that `auto` asks of everyone a quarter, beside 50 a twentieth.
N_PRIOR = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Of each dimension `(d,)` float64, over valid frames; those of more utterances are added.

    Attributes:
        n_frames: How many are valid.
        total: Their sum.
        squares: The sum of their squares.
        n_utterances: That have a valid frame.
    """

    n_frames: Floats
    total: Floats
    squares: Floats
    n_utterances: Floats

    @classmethod
    def fit(cls, sequences: Iterator[NDArray[np.float32]], dimensions: int) -> Self:
        """Fit in one pass."""
        n_frames, total, squares, n_utterances = (np.zeros(dimensions) for _ in range(4))
        for frames in filter(len, sequences):
            valid = np.isfinite(frames)
            known = np.where(valid, frames, 0).astype(np.float64)
            n_frames += valid.sum(0)
            total += known.sum(0)
            squares += (known**2).sum(0)
            n_utterances += valid.any(0)
        return cls(n_frames, total, squares, n_utterances)

    def __add__(self, other: Self) -> Self:
        """Return those of the utterances of both."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return type(self)(*(own + others for own, others in pairs))

    @property
    def mean(self) -> Floats:
        """Return the means; 0 where no frame is valid."""
        mean: Floats = self.total / np.maximum(self.n_frames, 1)
        return mean

    @property
    def variance(self) -> Floats:
        """Return the variances; 0 where no frame is valid."""
        mean_square = self.squares / np.maximum(self.n_frames, 1)
        variance: Floats = np.maximum(mean_square - self.mean**2, 0)
        return variance


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each dimension, `(d,)` float32."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def fit(cls, sequences: Iterator[NDArray[np.float32]], dimensions: int) -> Self:
        """Fit on all valid frames, in one pass; a constant dimension keeps its deviation of 1."""
        moments = Moments.fit(sequences, dimensions)
        return cls._of(moments.mean, moments.variance)

    @classmethod
    def _of(cls, mean: Floats, variance: Floats) -> Self:
        deviation = np.sqrt(variance)
        # Rounding leaves a constant dimension a deviation near 1e-8 of its size, never exactly 0.
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        return cls(mean.astype(np.float32), np.where(constant, 1, deviation).astype(np.float32))

    def blend(self, own: Moments, n_prior: float) -> Self:
        """Return a speaker's scale: as if `n_prior` utterances scaled by this one were theirs.

        Mean and variance are blended by dimension; of one that none of their utterances has, this
        scale is taken as it is.
        """
        weight = own.n_utterances / (own.n_utterances + n_prior)
        mean = weight * own.mean + (1 - weight) * self.mean
        variance = weight * own.variance + (1 - weight) * self.deviation.astype(np.float64) ** 2
        return self._of(mean, variance)

    def __call__(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale frames; lost values stay NaN."""
        return (frames - self.mean) / self.deviation


@dataclass(frozen=True)
class FeatureReader:
    """How one feature modality is read: cut at `max_length` frames, then scaled.

    Attributes:
        dimensions: Columns of the features.
        max_length: Longest sequence that is kept.
        corpus: Scale of the training part, or None where nothing is scaled.
        speakers: Scale of each training speaker, where each speaker has their own; else None.
        n_prior: Utterances as which the training part's scale counts in a speaker's own.
        n_layers: Of a pretrained model, that a frame holds one after the other.
    """

    dimensions: int
    max_length: int
    corpus: Scale | None
    speakers: Mapping[str, Scale] | None
    n_prior: float = N_PRIOR
    n_layers: int = 1

    @property
    def by_speaker(self) -> bool:
        """Whether each speaker has a scale of their own."""
        return self.speakers is not None

    def scales(self, utterances: Utterances, modality: str) -> list[Scale | None]:
        """Return the scale of each utterance.

        A speaker heard in training keeps the scale from there. One who was not gets a scale from
        their own utterances here, which takes no label.
        """
        if self.speakers is None or self.corpus is None:
            return [self.corpus] * len(utterances)
        known = self.knowing(self.moments(utterances, modality)).speakers
        assert known is not None
        return [known[name] for name in _speakers(utterances)]

    def moments(self, utterances: Utterances, modality: str) -> dict[str, Moments]:
        """Return the moments of each speaker who has no scale yet, where each has their own."""
        if self.speakers is None:
            return {}
        names, shape = _speakers(utterances), (self.max_length, self.dimensions)
        return {
            name: _moments(utterances, modality, names == name, shape)
            for name in np.unique(names)
            if name not in self.speakers
        }

    def knowing(self, moments: Mapping[str, Moments]) -> Self:
        """Return the same with a scale of each of these speakers."""
        if self.speakers is None or self.corpus is None:
            return self
        new = {name: self.corpus.blend(own, self.n_prior) for name, own in moments.items()}
        return replace(self, speakers={**self.speakers, **new})


def fit_reader(train: Utterances, settings: object, modality: str) -> FeatureReader:
    """Fit how one modality is cut and scaled, as its section of the features says.

    Raises:
        ConfigError: No training utterance has it.
        StudyError: How it is scaled was not decided.
    """
    rows = range(len(train))
    lengths = [len(train.sequence(modality, row)) for row in rows]
    longest = max(lengths, default=0)
    if longest == 0:
        raise ConfigError(
            f"model.encoders.{modality}: no training utterance has {modality}; leave the encoder "
            "out (model=…) or give the corpus this modality"
        )
    dimensions = train.sequence(modality, int(np.argmax(lengths))).shape[1]
    max_length = int(getattr(settings, "max_frames", longest))
    normalise = getattr(settings, "normalise", "corpus")
    if normalise == "auto":
        raise StudyError(
            f"features.{modality}.normalise is still auto: it has to become speaker or corpus "
            "before anything is scaled (dataset.resolve_normalise)"
        )
    n_layers = train.n_layers(modality)
    if normalise == "none":
        return FeatureReader(dimensions, max_length, None, None, n_layers=n_layers)
    shape = (max_length, dimensions)
    cut = (train.sequence(modality, row)[:max_length] for row in rows)
    corpus = Scale.fit(cut, dimensions)
    if normalise == "corpus":
        return FeatureReader(dimensions, max_length, corpus, None, n_layers=n_layers)
    names = train.table["speaker"].to_numpy()
    speakers = {
        name: corpus.blend(_moments(train, modality, names == name, shape), N_PRIOR)
        for name in np.unique(names)
    }
    return FeatureReader(dimensions, max_length, corpus, speakers, n_layers=n_layers)


def _speakers(utterances: Utterances) -> NDArray[np.object_]:
    names: NDArray[np.object_] = utterances.table["speaker"].fillna(UNKNOWN_SPEAKER).to_numpy()
    return names


def _moments(
    utterances: Utterances, modality: str, is_speakers: NDArray[np.bool_], shape: tuple[int, int]
) -> Moments:
    """Fit the moments of one speaker's utterances, cut as they are read."""
    max_length, dimensions = shape
    rows = np.flatnonzero(is_speakers)
    sequences = (utterances.sequence(modality, int(row))[:max_length] for row in rows)
    return Moments.fit(sequences, dimensions)
