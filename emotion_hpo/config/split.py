"""Which utterances train, which validate, and which stay sealed."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator

from emotion_hpo.config.base import Section


class PaperSplit(Section):
    """Test: one session. Validation: the last `n_validation` of the id-sorted rest."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    name: Literal["paper"]
    test_session: str
    n_validation: int | float = Field(
        gt=0, description="a count, or below 1 a share of the development utterances"
    )

    @field_validator("n_validation")
    @classmethod
    def _count_or_share(cls, value: float) -> float:
        if value >= 1 and value != int(value):
            raise ValueError(f"from 1 on it is a count and must be whole, but got {value}")
        return int(value) if value >= 1 else value


class SpeakersSplit(Section):
    """Test: one session. Validation: another one, so that its speakers are never trained on."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    name: Literal["speakers"]
    test_session: str
    validation_session: str


SplitConfig = Annotated[PaperSplit | SpeakersSplit, Field(discriminator="name")]
