"""Which utterances train, which validate, and which stay sealed."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from emotion_hpo.config.base import Section


class _Split(Section):
    """What every split has."""

    test_session: str
    scenario: Literal["improvised", "scripted"] | None = Field(
        None, description="train, validate and test on utterances of this scenario alone"
    )


class PaperSplit(_Split):
    """Test: one session. Validation: the last `n_validation` of the id-sorted rest."""

    name: Literal["paper"]
    n_validation: int | float = Field(
        gt=0, description="a count, or below 1 a share of the development utterances"
    )

    @field_validator("n_validation")
    @classmethod
    def _count_or_share(cls, value: float) -> float:
        if value >= 1 and value != int(value):
            raise ValueError(f"from 1 on it is a count and must be whole, but got {value}")
        return int(value) if value >= 1 else value


class LastFifthSplit(PaperSplit):
    """As `paper`, for a corpus of any size."""

    name: Literal["last_fifth"]  # type: ignore[assignment]


class ImprovisedSplit(PaperSplit):
    """As `paper`, of the improvised scenes alone, whose words no script gives away."""

    name: Literal["improvised_only"]  # type: ignore[assignment]
    scenario: Literal["improvised"] = "improvised"


class SpeakersSplit(_Split):
    """Test: one session. Validation: another one, so that its speakers are never trained on."""

    name: Literal["speakers"]
    validation_session: str


class SessionSplit(_Split):
    """Test: one session. Validation: each of the others once, in a fold of its own."""

    name: Literal["session"]


class LosoSplit(_Split):
    """Test: one session. Validation: each other speaker once (leave one speaker out)."""

    name: Literal["loso"]


SplitConfig = Annotated[
    PaperSplit | LastFifthSplit | ImprovisedSplit | SpeakersSplit | SessionSplit | LosoSplit,
    Field(discriminator="name"),
]
