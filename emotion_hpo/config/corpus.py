"""Which corpus is read, and which of its labels are classes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from emotion_hpo.config.base import Section


class TwinCorpus(Section):
    """The synthetic twin: IEMOCAP's exact shape, invented content."""

    name: Literal["twin"]
    seed: int = Field(ge=0)
    scale: float = Field(gt=0, le=1, description="share of IEMOCAP's utterances to draw")


class EmodbCorpus(Section):
    """The Berlin Database of Emotional Speech, as distributed (`wav/03a01Fa.wav`)."""

    name: Literal["emodb"]
    root: Path = Field(description="the folder that holds `wav/`")


CorpusConfig = Annotated[TwinCorpus | EmodbCorpus, Field(discriminator="name")]
