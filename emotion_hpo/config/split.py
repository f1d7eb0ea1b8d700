"""Which utterances train, which validate, and which stay sealed."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from emotion_hpo.config.base import Section

#: Column of the utterance table whose values are sealed or held out as a whole.
SESSION = "session"
#: Of `validation_session`: the session after the test session.
NEXT = "next"


class _Split(Section):
    """What every split has."""

    scenario: Literal["improvised", "scripted"] | None = Field(
        None, description="train, validate and test on utterances of this scenario alone"
    )


class _SessionSealed(_Split):
    """A split that seals a session of the corpus."""

    test_session: str

    @property
    def session_column(self) -> str:
        """The column of the corpus that names the sessions."""
        return SESSION


class PaperSplit(_SessionSealed):
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


class SpeakersSplit(_SessionSealed):
    """Test: one session. Validation: another one, so that its speakers are never trained on."""

    name: Literal["speakers"]
    validation_session: str = Field(
        description="a session, or `next`: the one after the test session in sorted order, after "
        "the last one the first"
    )


class SessionSplit(_SessionSealed):
    """Test: one session. Validation: each of the others once, in a fold of its own."""

    name: Literal["session"]


class LosoSplit(_SessionSealed):
    """Test: one session. Validation: each other speaker once (leave one speaker out)."""

    name: Literal["loso"]


class GivenSplit(_Split):
    """As a column of the manifest says; its values are the sessions then."""

    name: Literal["given"]
    column: str = Field(description="column of the manifest that says which part a row is of")
    train: str = Field(description="its value where a row is trained on")
    validation: str = Field(description="its value where a row validates")
    test: str = Field(description="its value where a row is sealed")

    @model_validator(mode="after")
    def _three_parts(self) -> Self:
        parts = [self.train, self.validation, self.test]
        if len(set(parts)) < len(parts):
            raise ValueError(f"train, validation and test are three values, but got {parts}")
        return self

    @property
    def session_column(self) -> str:
        """The column of the corpus that names the sessions."""
        return self.column

    @property
    def test_session(self) -> str:
        """The value that is sealed."""
        return self.test


class Rows(Section):
    """Some labelled utterances: those that meet every condition."""

    column: Literal["session", "speaker"] = "session"
    names: tuple[str, ...] | None = Field(None, description="of the column; null: any")
    last: float | None = Field(
        None, gt=0, le=1, description="of these, in the order of ids, the last share"
    )
    every: int | None = Field(None, ge=2, description="of these, in the order of ids, each n-th")
    file: Path | None = Field(
        None, description="JSON lines whose `key` is DATASET-UTTERANCE, as EmoBox writes its folds"
    )


class RowsSplit(_Split):
    """A fold of a published protocol: any utterances are the test, any others validate.

    What it seals need be no whole session, so that every session's features are read by whoever
    trains, and the test rows left out of what it hands out.
    """

    name: Literal["rows"]
    session_column: str = SESSION
    test: Rows
    validation: Rows | Literal["test"] = Field(
        description="`test`: the epoch is chosen on the test part, as some papers do"
    )
    train: Rows | None = Field(None, description="null: all that neither tests nor validates")

    @property
    def test_session(self) -> str:
        """What is sealed, in words where it is no single session."""
        names = self.test.names
        if names is not None and len(names) == 1:
            return names[0] if self.test.column == SESSION else f"{self.test.column} {names[0]}"
        return "some rows"


SplitConfig = Annotated[
    PaperSplit
    | LastFifthSplit
    | ImprovisedSplit
    | SpeakersSplit
    | SessionSplit
    | LosoSplit
    | GivenSplit
    | RowsSplit,
    Field(discriminator="name"),
]
