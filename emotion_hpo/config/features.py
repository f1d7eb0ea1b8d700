"""What is extracted from each modality, and how much of it a network sees.

Fields named in `EXTRACTION` decide what is stored; the others only how the stored arrays are read,
so that changing them costs no new extraction.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from emotion_hpo.config.base import Section

Normalisation = Literal["none", "corpus", "speaker"]


class SpeechFeatures(Section):
    """Short-term features of the waveform (Tripathi et al. 2018: 0.2 s windows, 0.1 s steps)."""

    EXTRACTION: ClassVar = ("name", "window_s", "step_s")

    name: Literal["short_term"]
    window_s: float = Field(gt=0, le=5)
    step_s: float = Field(gt=0, le=5)
    max_frames: int = Field(ge=1, description="longer utterances are cut here")
    normalise: Normalisation


class TextFeatures(Section):
    """Words of the transcript; the vocabulary is fitted on the training part."""

    EXTRACTION: ClassVar = ("name",)

    name: Literal["words"]
    max_words: int = Field(ge=1, description="longer utterances are cut here")
    min_count: int = Field(ge=1, description="rarer training words become the unknown word")


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
