"""Which corpus is read, and which of its labels are classes."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from emotion_hpo.config.base import Section


def _without_repetition(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(classes)) < len(classes):
        raise ValueError(f"each class once, but got {list(classes)}")
    return classes


Classes = Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(_without_repetition)]


class CorpusSection(Section):
    """What every corpus has."""

    PLACES: ClassVar[tuple[str, ...]] = ("transcripts",)

    transcripts: Path | None = Field(
        None,
        description="CSV of `id` and `words` that replaces the corpus's own transcripts, such as a "
        "speech recogniser's output",
    )

    def places(self) -> dict[str, Path]:
        """Path in this section → where files lie: all that may change while they stay the same."""
        places: dict[str, Path] = {}
        for name in self.PLACES:
            value = getattr(self, name)
            if isinstance(value, Mapping):
                places |= {f"{name}.{key}": path for key, path in value.items()}
            elif value is not None:
                places[name] = value
        return places


class LabelledCorpus(CorpusSection):
    """A corpus with more labels than classes."""

    classes: Classes = Field(description="labels, in the order of the network's outputs")
    merge: Mapping[str, str] = Field(description="label to the class that it counts as")

    @model_validator(mode="after")
    def _classes_fit(self) -> Self:
        if nowhere := sorted(set(self.merge.values()) - set(self.classes)):
            raise ValueError(
                f"merge leads to {', '.join(nowhere)}, which is no class "
                f"(valid: {', '.join(self.classes)})"
            )
        if both := sorted(label for label in self.merge if label in self.classes):
            raise ValueError(f"{', '.join(both)} cannot be a class and be merged into one")
        return self


class TwinCorpus(CorpusSection):
    """The synthetic twin: IEMOCAP's exact shape, invented content."""

    name: Literal["twin"]
    seed: int = Field(ge=0)
    scale: float = Field(gt=0, le=1, description="share of IEMOCAP's turns to draw")
    write_release: Path | None = Field(
        None, description="`prepare` also writes the twin there, in the form of IEMOCAP's release"
    )


class EmodbCorpus(CorpusSection):
    """The Berlin Database of Emotional Speech, as distributed (`wav/03a01Fa.wav`)."""

    PLACES: ClassVar[tuple[str, ...]] = ("root", "transcripts")

    name: Literal["emodb"]
    root: Path = Field(description="the folder that holds `wav/`")
    strict: bool = Field(False, description="any fault of the files is an error")


class IemocapCorpus(LabelledCorpus):
    """IEMOCAP's release, as unpacked."""

    PLACES: ClassVar[tuple[str, ...]] = ("root", "transcripts")

    name: Literal["iemocap"]
    root: Path = Field(description="the folder that holds `Session1/` to `Session5/`")
    audio: Literal["sentences", "dialog"] = Field(description="which recordings are used")
    left_channel: Literal["female", "male", "wearer", "listener"] = Field(
        description="whose microphone is left in dialog/wav"
    )
    strict: bool = Field(description="any fault of the files is an error")


class CollectedCorpus(LabelledCorpus):
    """IEMOCAP as the reference's `mocap_data_collect.py` pickled it."""

    PLACES: ClassVar[tuple[str, ...]] = ("file", "transcripts")

    name: Literal["collected"]
    file: Path = Field(description="`data_collected.pickle`")
    strict: bool = Field(description="any fault of the file is an error")


class ManifestCorpus(CorpusSection):
    """Anyone's table of utterances, with ready-made features where there are any."""

    PLACES: ClassVar[tuple[str, ...]] = ("table", "features", "transcripts")

    name: Literal["manifest"]
    table: Path = Field(description="CSV or Parquet; recordings are relative to its folder")
    features: Mapping[str, Path] = Field(
        description="modality to .npy (row-aligned) or .npz (an array an utterance_id)"
    )
    classes: Classes | None = Field(
        description="emotions in the order of the outputs; null: all of the table, sorted"
    )
    synthetic: bool = Field(description="its content is invented; every figure then says so")
    strict: bool = Field(description="any fault of the files is an error")

    @field_validator("features")
    @classmethod
    def _modalities_are_names(cls, features: Mapping[str, Path]) -> Mapping[str, Path]:
        if wrong := [name for name in features if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]:
            raise ValueError(f"{wrong[0]!r} is no name of a modality (small letters, digits, _)")
        if made := [name for name in ("text", "text_factors") if name in features]:
            raise ValueError(f"`{made[0]}` is for transcripts; name embeddings of words otherwise")
        return features


CorpusConfig = Annotated[
    TwinCorpus | EmodbCorpus | IemocapCorpus | CollectedCorpus | ManifestCorpus,
    Field(discriminator="name"),
]
