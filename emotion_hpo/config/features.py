"""What is extracted from each modality, and how much of it a network sees.

Fields named in `EXTRACTION` decide what is stored; the others only how the stored arrays are read,
so that changing them costs no new extraction.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from emotion_hpo.config.base import Section

Normalisation = Literal["none", "corpus", "speaker"]

#: The modality of words. They are stored as transcripts: their numbers depend on the training part.
TEXT = "text"

#: 200 samples at 16 kHz: in a shorter window the FFT is too coarse to tell semitones apart.
SHORTEST_WINDOW_S = 0.0125


class ShortTermFeatures(Section):
    """34 features a window (Tripathi et al. 2018: 0.2 s windows, 0.1 s steps)."""

    EXTRACTION: ClassVar = ("name", "window_s", "step_s")

    name: Literal["short_term"]
    window_s: float = Field(ge=SHORTEST_WINDOW_S, le=5)
    step_s: float = Field(ge=0.001, le=5)
    max_frames: int = Field(ge=1, description="longer utterances are cut here")
    normalise: Normalisation


class SpectrogramFeatures(Section):
    """Log-mel spectrogram, in decibels."""

    EXTRACTION: ClassVar = ("name", "window_s", "step_s", "n_bands")

    name: Literal["spectrogram"]
    window_s: float = Field(ge=SHORTEST_WINDOW_S, le=5)
    step_s: float = Field(ge=0.001, le=5)
    n_bands: int = Field(ge=8, le=256)
    max_frames: int = Field(ge=1, description="longer utterances are cut here")
    normalise: Normalisation


class FunctionalFeatures(Section):
    """One vector an utterance: mean and deviation of each of the 34 short-term features."""

    EXTRACTION: ClassVar = ("name", "window_s", "step_s")

    name: Literal["functionals"]
    window_s: float = Field(ge=SHORTEST_WINDOW_S, le=5)
    step_s: float = Field(ge=0.001, le=5)
    normalise: Normalisation


class EgemapsFeatures(Section):
    """One vector an utterance: the 88 functionals of eGeMAPSv02; needs the extra `opensmile`."""

    EXTRACTION: ClassVar = ("name",)

    name: Literal["egemaps"]
    normalise: Normalisation


SpeechFeatures = Annotated[
    ShortTermFeatures | SpectrogramFeatures | FunctionalFeatures | EgemapsFeatures,
    Field(discriminator="name"),
]


class TextFeatures(Section):
    """Words of the transcript; the vocabulary is fitted on the training part."""

    EXTRACTION: ClassVar = ("name",)

    name: Literal["words"]
    max_words: int = Field(ge=1, description="longer utterances are cut here")
    min_count: int = Field(ge=1, description="rarer training words become the unknown word")
    vectors: Path | None = Field(
        None, description="pretrained word vectors in GloVe's text format; null: none"
    )


class MocapFeatures(Section):
    """Motion capture, averaged over equal parts of the utterance: head 6, hand 18, face 165."""

    EXTRACTION: ClassVar = ("name", "n_parts")

    name: Literal["parts"]
    n_parts: int = Field(ge=1, le=2000)
    normalise: Normalisation


class FeaturesConfig(Section):
    """The features of every modality that a corpus may have."""

    speech: SpeechFeatures
    text: TextFeatures
    mocap: MocapFeatures

    def extraction(self) -> dict[str, dict[str, Any]]:
        """The settings that decide what is stored, by modality."""
        sections = {"speech": self.speech, "text": self.text, "mocap": self.mocap}
        return {
            modality: section.model_dump(include=set(section.EXTRACTION))
            for modality, section in sections.items()
        }
