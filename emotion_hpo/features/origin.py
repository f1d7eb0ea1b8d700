"""How each modality that a model reads was made; a model's file says it, so that none is guessed.

`Extraction`: by an extractor of this program, whose version and settings are named, from what was
recorded; new utterances go through the same one. `ReadyMade`: brought by the corpus, no one knows
here how; new utterances bring theirs in the same shape. A further kind is a further model here.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from emotion_hpo.config import FeaturesConfig
from emotion_hpo.config.base import Section
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import FEATURES_VERSION
from emotion_hpo.features.pretrained.weights import settings_of

#: What each extractor starts from.
SOURCES: Mapping[str, str] = {
    "text": "words",
    "text_factors": "words",
    "speech": "a recording",
    "functionals": "a recording",
    "speech_encoder": "a recording",
    "text_encoder": "words",
    "mocap": "motion capture",
}


class Extraction(Section):
    """Made by an extractor of this program."""

    made: Literal["extracted"] = "extracted"
    version: int = Field(description="of the extractors; another one's features are others")
    settings: Mapping[str, Any] = Field(description="the extractor's name and what it depends on")

    def check(self, modality: str) -> None:
        """Refuse to extract by other code than the training part's.

        Raises:
            FeatureError: The extractors have changed since.
        """
        if self.version != FEATURES_VERSION:
            raise FeatureError(
                f"{modality}: the model's features are of version {self.version} of the "
                f"extractors, but this program has version {FEATURES_VERSION}; train the model anew"
            )


class ReadyMade(Section):
    """Brought by the corpus as arrays."""

    made: Literal["ready-made"] = "ready-made"
    dimensions: int = Field(ge=1)
    is_vector: bool = Field(description="one vector an utterance; else a sequence of frames")

    @property
    def shape(self) -> str:
        """Of one utterance's features, in words."""
        return f"({self.dimensions},)" if self.is_vector else f"(frames, {self.dimensions})"

    def frames(self, modality: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """An utterance's features as `(frames, dimensions)`; a vector is one frame.

        Raises:
            FeatureError: They have another shape than those that the model was trained on.
        """
        frames = values[None] if values.ndim == 1 else values
        fits = frames.ndim == 2 and frames.shape[1] == self.dimensions
        if not fits or (self.is_vector and len(frames) > 1):
            raise FeatureError(
                f"features.{modality} must be {self.shape}, as in training, but are {values.shape}"
            )
        return frames


Origin = Annotated[Extraction | ReadyMade, Field(discriminator="made")]

_ORIGINS: TypeAdapter[dict[str, Origin]] = TypeAdapter(dict[str, Origin])


def describe_origins(
    modalities: Iterable[str], features: FeaturesConfig, ready_made: Mapping[str, ReadyMade]
) -> dict[str, Origin]:
    """Return the origin of each modality.

    Args:
        modalities: What a model reads.
        features: How those that are not ready-made were extracted.
        ready_made: The shape of those that are.
    """
    names = tuple(modalities)
    extracted = [name for name in names if name not in ready_made]
    settings = settings_of(features, extracted)
    return {
        name: ready_made.get(name) or Extraction(version=FEATURES_VERSION, settings=settings[name])
        for name in names
    }


def check_weights(origins: Mapping[str, Origin], features: FeaturesConfig) -> None:
    """Refuse pretrained models other than those that the training part was read by.

    Args:
        origins: How each modality was made.
        features: As in training.

    Raises:
        FeatureError: A model is not at hand, or its weights are others.
    """
    pretrained = {
        name: origin.settings["weights"]
        for name, origin in origins.items()
        if isinstance(origin, Extraction) and "weights" in origin.settings
    }
    settings = settings_of(features, tuple(pretrained))
    for name, weights in pretrained.items():
        if settings[name]["weights"] != weights:
            raise FeatureError(
                f"{name}: the model was trained on what the weights {weights[:12]} say, but "
                f"features.{name}.model={features.section(name).model} holds the weights "
                f"{settings[name]['weights'][:12]}; put the former there"
            )


def plain_origins(origins: Mapping[str, Origin]) -> dict[str, Any]:
    """Return the origins as a model's file holds them."""
    return {name: origin.model_dump(mode="json") for name, origin in origins.items()}


def read_origins(plain: object) -> dict[str, Origin]:
    """Read origins back from a model's file.

    Raises:
        ValueError: They are none.
    """
    return _ORIGINS.validate_python(plain)
