"""What is extracted from each modality, and how much of it a network sees.

Fields named in `EXTRACTION` decide what is stored; the others only how the stored arrays are read,
so that changing them costs no new extraction.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field

from emotion_hpo.config.base import Section

#: `auto` becomes `speaker` or `corpus` once, when a study begins (`dataset.normalising`).
Normalisation = Literal["auto", "none", "corpus", "speaker"]

#: The modality of words. They are stored as transcripts: their numbers depend on the training part.
TEXT = "text"

#: A second view of the words: one vector an utterance, fitted on the training part, too.
TEXT_FACTORS = "text_factors"

#: The voice: frames of a recording, and the same recording as one vector.
SPEECH, FUNCTIONALS = "speech", "functionals"

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
    """882 numbers an utterance: nine statistics of 34 short-term features and of 64 mel bands."""

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
    marks: bool = Field(
        False, description="`!`, `?`, `...` and repeated ones are tokens, too; else words alone"
    )
    vectors: Path | None = Field(
        None, description="pretrained word vectors in GloVe's text format; null: none"
    )


class TextFactors(Section):
    """One vector an utterance: the leading components of its transcript's tf-idf."""

    EXTRACTION: ClassVar = ()

    components: int = Field(ge=1, le=2000, description="fewer where the training part has fewer")


class MocapFeatures(Section):
    """Motion capture, averaged over equal parts of the utterance: head 6, hand 18, face 165."""

    EXTRACTION: ClassVar = ("name", "n_parts")

    name: Literal["parts"]
    n_parts: int = Field(ge=1, le=2000)
    normalise: Normalisation


class ReadyMadeFeatures(Section):
    """Ready-made features under any name of the corpus's own: they are read as they come."""

    normalise: Normalisation = Field(
        "auto", description="how the features that the corpus brings as MODALITY are scaled"
    )


class FeaturesConfig(Section):
    """The features of every modality that a corpus may have."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, ReadyMadeFeatures]

    speech: SpeechFeatures
    functionals: FunctionalFeatures | None = Field(
        None, description="a second view of every recording, beside `speech`; null: not extracted"
    )
    text: TextFeatures
    text_factors: TextFactors | None = Field(
        None, description="a second view of every transcript, beside `text`; null: not made"
    )
    mocap: MocapFeatures

    def extraction(self) -> dict[str, dict[str, Any]]:
        """The settings that decide what is stored, by modality."""
        sections = {
            SPEECH: self.speech,
            FUNCTIONALS: self.functionals,
            TEXT: self.text,
            TEXT_FACTORS: self.text_factors,
            "mocap": self.mocap,
        }
        return {
            modality: section.model_dump(include=set(section.EXTRACTION))
            for modality, section in sections.items()
            if section is not None
        }

    @property
    def ready_made(self) -> Mapping[str, ReadyMadeFeatures]:
        """The sections of modalities that have no extractor."""
        return self.__pydantic_extra__

    def section(self, modality: str) -> Any:  # noqa: ANN401 (of whatever kind)
        """Return the settings of a modality, or None."""
        is_field = modality in type(self).model_fields
        return getattr(self, modality) if is_field else self.ready_made.get(modality)

    @property
    def normalisation(self) -> Mapping[str, Normalisation]:
        """How each modality is scaled, of those that have a section and numbers of their own."""
        names = (*type(self).model_fields, *self.ready_made)
        sections = {name: self.section(name) for name in names}
        return {
            name: section.normalise
            for name, section in sections.items()
            if hasattr(section, "normalise")
        }

    def with_normalisation(self, normalisation: Mapping[str, Normalisation]) -> Self:
        """Return a copy that scales some modalities so; absent sections come into being."""
        sections = {name: self.section(name) or ReadyMadeFeatures() for name in normalisation}
        return self.model_copy(
            update={
                name: section.model_copy(update={"normalise": normalisation[name]})
                for name, section in sections.items()
            }
        )
