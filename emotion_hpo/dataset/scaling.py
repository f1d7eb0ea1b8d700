"""Means and deviations of features, by corpus or by speaker, fitted on the training part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each dimension, `(d,)` float32."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def fit(cls, sequences: Iterator[NDArray[np.float32]], dimensions: int) -> Self:
        """Fit on all valid frames, in one pass; a constant dimension keeps its deviation of 1."""
        count, total, squares = (np.zeros(dimensions) for _ in range(3))
        for frames in filter(len, sequences):
            valid = np.isfinite(frames)
            known = np.where(valid, frames, 0).astype(np.float64)
            count += valid.sum(0)
            total += known.sum(0)
            squares += (known**2).sum(0)
        n = np.maximum(count, 1)
        mean = total / n
        deviation = np.sqrt(np.maximum(squares / n - mean**2, 0))
        # Rounding leaves a constant dimension a deviation near 1e-8 of its size, never exactly 0.
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        return cls(mean.astype(np.float32), np.where(constant, 1, deviation).astype(np.float32))

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
        speakers: Scale of each training speaker.
        by_speaker: Whether each speaker has a scale of their own.
    """

    dimensions: int
    max_length: int
    corpus: Scale | None
    speakers: Mapping[str, Scale]
    by_speaker: bool

    def scales(self, utterances: Utterances, modality: str) -> list[Scale | None]:
        """Return the scale of each utterance.

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


def fit_reader(train: Utterances, config: FeaturesConfig, modality: str) -> FeatureReader:
    """Fit how one modality is cut and scaled.

    Raises:
        ConfigError: No training utterance has it.
    """
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
    max_length = int(getattr(settings, "max_frames", longest))
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
    utterances: Utterances, modality: str, is_speakers: NDArray[np.bool_], shape: tuple[int, int]
) -> Scale:
    """Fit the scale of one speaker's utterances, cut as they are read."""
    max_length, dimensions = shape
    rows = np.flatnonzero(is_speakers)
    sequences = (utterances.sequence(modality, int(row))[:max_length] for row in rows)
    return Scale.fit(sequences, dimensions)
