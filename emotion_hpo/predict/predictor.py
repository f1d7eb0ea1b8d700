"""A trained model, ready to be asked: features by the same extractors, networks averaged.

An `Utterance` is what a user has; `Predictor` extracts its features, reads them as the training
part was read, and averages the networks of the model. A modality that is not there is masked, as in
training. Networks are built once, when the model is opened, so that one utterance is answered in
milliseconds; features of many utterances are extracted on all cores.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.bundle import Bundle
from emotion_hpo.corpus.schema import COLUMNS, MOTION_PARTS, Recording
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import TEXT, extract
from emotion_hpo.splits import Utterances

#: Fewer utterances than this are extracted sooner than threads start.
_FEW = 4


@dataclass(frozen=True)
class Utterance:
    """What is known of an utterance; at least one of the three.

    Attributes:
        text: Its words.
        samples: Its waveform, float32 `(n,)` in [-1, 1].
        sample_rate_hz: Of `samples`.
        motion: Its motion capture `(frames, 189)`: head 6, hand 18, face 165; NaN where lost.
        speaker: Who speaks, if that is known: scales by speaker need it.
    """

    text: str | None = None
    samples: NDArray[np.float32] | None = None
    sample_rate_hz: int = 16_000
    motion: NDArray[np.float32] | None = None
    speaker: str = "unknown"


class Predictor:
    """A trained model, ready to be asked.

    Args:
        bundle: The model.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._networks = bundle.build_networks()

    @classmethod
    def open(cls, path: Path) -> "Predictor":
        """Read a model file.

        Raises:
            StudyError: It is not there, or cannot be read.
        """
        return cls(Bundle.load(path))

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions in the order of the probabilities."""
        return self._bundle.classes

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the model can use."""
        return self._bundle.inputs.modalities

    @property
    def n_networks(self) -> int:
        """How many trainings are averaged."""
        return len(self._networks)

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on invented speech."""
        return self._bundle.config.corpus.name == "twin"

    def __call__(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """Class probabilities `(n, classes)`.

        Raises:
            FeatureError: An utterance has nothing that the model can use, or something broken.
        """
        if not utterances:
            return np.zeros((0, len(self.classes)), np.float32)
        arrays = self._extract_all(utterances)
        table = pd.DataFrame(
            {
                "utterance_id": [f"{index:09d}" for index in range(len(utterances))],
                "speaker": [one.speaker for one in utterances],
                "transcript": [one.text for one in utterances],
                "emotion": self.classes[0],  # a data set has labels; nobody looks at these
            }
        ).reindex(columns=list(COLUMNS))
        places = np.stack([np.zeros(len(table), np.int64), np.arange(len(table))], axis=1)
        read = Utterances(table, self.classes, (self._shelf(arrays),), places)
        by_network = self._bundle.probabilities(self._bundle.inputs.read(read), self._networks)
        averaged: NDArray[np.float32] = by_network.mean(0)
        return averaged

    def _extract_all(
        self, utterances: Sequence[Utterance]
    ) -> list[Mapping[str, NDArray[np.float32]]]:
        """Features of each; NumPy and SciPy let threads run at once where the time is spent."""
        if len(utterances) < _FEW:
            return [self._extract(index, one) for index, one in enumerate(utterances)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self._extract, range(len(utterances)), utterances))

    def _extract(self, index: int, one: Utterance) -> Mapping[str, NDArray[np.float32]]:
        recording = Recording(
            f"utterance {index}",
            samples=one.samples,
            sample_rate_hz=one.sample_rate_hz,
            motion=None if one.motion is None else _parts(one.motion, index),
        )
        wanted = tuple(name for name in self.modalities if name != TEXT)
        try:
            arrays = extract(recording, wanted, self._bundle.config.features)
        except FeatureError as error:
            raise FeatureError(f"utterance {index}: {error}") from None
        has_text = TEXT in self.modalities and one.text is not None and one.text.strip()
        if not arrays and not has_text:
            raise FeatureError(
                f"utterance {index} has nothing that the model uses: {', '.join(self.modalities)}"
            )
        return arrays

    def _shelf(self, arrays: Sequence[Mapping[str, NDArray[np.float32]]]) -> "_Memory":
        features = {
            name: [one.get(name, np.zeros((0, reader.dimensions), np.float32)) for one in arrays]
            for name, reader in self._bundle.inputs.readers.items()
        }
        return _Memory(features)


@dataclass(frozen=True)
class _Memory:
    """Features that were extracted just now."""

    features: Mapping[str, Sequence[NDArray[np.float32]]]


def _parts(motion: NDArray[np.float32], index: int) -> dict[str, NDArray[np.float32]]:
    """Motion by part.

    Raises:
        FeatureError: It has not as many columns as all parts together.
    """
    width = sum(MOTION_PARTS.values())
    if motion.ndim != 2 or motion.shape[1] != width:
        raise FeatureError(
            f"utterance {index}: motion must be (frames, {width}), but is {motion.shape}"
        )
    ends = np.cumsum(list(MOTION_PARTS.values()))
    return dict(zip(MOTION_PARTS, np.split(motion, ends[:-1], axis=1), strict=True))
