"""Features of new utterances: extracted as in training, or taken as they are brought.

What a model's file says of each modality (`features.origin`) decides which. Features of many
utterances are extracted on all cores.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import extract, source_of
from emotion_hpo.features.origin import (
    SOURCES,
    Extraction,
    Origin,
    ReadyMade,
    check_weights,
)
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.predict.utterance import FEATURES, Arrays, Utterance

#: Fewer utterances than this are extracted sooner than threads start.
_FEW = 4


def find_ready_made(origins: Mapping[str, Origin]) -> dict[str, ReadyMade]:
    """Return modality → the shape of the features that an utterance brings."""
    return {name: origin for name, origin in origins.items() if isinstance(origin, ReadyMade)}


def list_columns(origins: Mapping[str, Origin]) -> tuple[str, ...]:
    """Return what an utterance may bring: `text`, `speech`, `mocap`, and `features.NAME`."""
    extracted = {
        source_of(name, ()): None for name in SOURCES if isinstance(origins.get(name), Extraction)
    }
    return (*extracted, *(f"{FEATURES}{name}" for name in sorted(find_ready_made(origins))))


class Extractor:
    """Make the features that a model reads.

    Args:
        origins: Modality → how its features are made.
        features: The settings of their extraction.
        stored: The modalities that are arrays, rather than words as such.

    Raises:
        FeatureError: It needs a pretrained model that is not at hand, or has another there.
    """

    def __init__(
        self, origins: Mapping[str, Origin], features: FeaturesConfig, stored: tuple[str, ...]
    ) -> None:
        self._origins = origins
        self._stored = stored
        self._encoders = Encoders(features)
        check_weights(origins, features)

    def extract_all(self, utterances: Sequence[Utterance]) -> list[Arrays | FeatureError]:
        """Features of each; NumPy and SciPy let threads run at once where the time is spent."""
        if len(utterances) < _FEW:
            return [self.extract(utterance) for utterance in utterances]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.extract, utterances))

    def extract(self, utterance: Utterance) -> Arrays | FeatureError:
        """Features of an utterance by modality, or why there are none."""
        try:
            ready_made = self._ready_made(utterance)
            self._check_sources(utterance)
            recording = Recording(
                "",
                samples=utterance.samples,
                sample_rate_hz=utterance.sample_rate_hz,
                motion=None if utterance.motion is None else _parts(utterance.motion),
                features=ready_made,
            )
            with np.errstate(over="ignore", invalid="ignore"):  # samples far beyond [-1, 1]
                return extract(recording, self._stored, self._encoders, utterance.text)
        except FeatureError as error:
            return error

    def _ready_made(self, utterance: Utterance) -> dict[str, NDArray[np.float32]]:
        """The arrays that an utterance brings, as frames.

        Raises:
            FeatureError: The model takes no such features, or in another shape.
        """
        shapes = find_ready_made(self._origins)
        if unknown := sorted(utterance.features.keys() - shapes.keys()):
            name, takes = unknown[0], ", ".join(list_columns(self._origins))
            if isinstance(self._origins.get(name), Extraction):
                raise FeatureError(
                    f"{FEATURES}{name}: the model extracts {name} itself; give {SOURCES[name]} "
                    f"instead (it takes {takes})"
                )
            raise FeatureError(f"{FEATURES}{name}: the model reads no {name} (it takes {takes})")
        return {
            name: shapes[name].frames(name, values) for name, values in utterance.features.items()
        }

    def _check_sources(self, utterance: Utterance) -> None:
        """Refuse to extract what cannot be made as it was made in training.

        Raises:
            FeatureError: The model learnt all that is made of it from ready-made features, or from
                those of another version of the extractors.
        """
        origins = self._origins
        sources = {"text": utterance.text, "speech": utterance.samples, "mocap": utterance.motion}
        for name in SOURCES:
            source = sources[source_of(name, ())]
            origin = origins.get(name)
            if source is None or origin is None or name in utterance.features:
                continue
            if isinstance(origin, Extraction):
                origin.check(name)
            elif not isinstance(origins.get(source_of(name, ())), Extraction):
                raise FeatureError(
                    f"{name}: the model was trained on ready-made features of {origin.shape}, "
                    f"which cannot be made from {SOURCES[name]} here; give {FEATURES}{name}"
                )


def _parts(motion: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Motion by part.

    Raises:
        FeatureError: It has not as many columns as all parts together.
    """
    width = sum(MOTION_PARTS.values())
    if motion.ndim != 2 or motion.shape[1] != width:
        raise FeatureError(f"motion must be (frames, {width}), but is {motion.shape}")
    ends = np.cumsum(list(MOTION_PARTS.values()))
    return dict(zip(MOTION_PARTS, np.split(motion, ends[:-1], axis=1), strict=True))
