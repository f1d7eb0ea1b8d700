"""Lines of `holdout_ledger.jsonl`: who opened which holdout, when, and what came out."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from emotion_hpo.runtime.contents import SOUND, SOUND_DIGITS
from emotion_hpo.study.records.base import Part, Record


def _check_marks(utterance: dict[str, str]) -> dict[str, str]:
    """Refuse a mark of a sound that no comparison of sounds could read."""
    sound = utterance.get(SOUND)
    if sound is not None and re.fullmatch(f"[0-9a-f]{{{SOUND_DIGITS}}}", sound) is None:
        raise ValueError(f"{SOUND} must have {SOUND_DIGITS} hexadecimal digits")
    return utterance


Marks = Annotated[dict[str, str], AfterValidator(_check_marks)]


class Overlap(Part):
    """An earlier holdout with some of the same utterances."""

    holdout: str = Field(description="its name")
    n_shared: int = Field(description="utterances that both have")
    study: str = Field(description="who opened it first")
    trial: str = Field(description="for which trial")
    at: str = Field(description="when (UTC, ISO 8601)")

    @property
    def sentence(self) -> str:
        """What a reader of a later score must know of it."""
        return (
            f"{self.n_shared} of its utterances lay in a holdout that was scored before: study "
            f"{self.study}, {self.trial}, {self.at}."
        )


class Line(Record):
    """What every line has."""

    remedy: ClassVar[str] = (
        "mend its broken line by hand, for it says how often a holdout has been scored"
    )

    version: Literal[1] = Field(1, description="of this line's layout")
    holdout: str = Field(description="name of the holdout")
    at: str = Field(description="when it was written (UTC, ISO 8601)")


class HoldoutLine(Line):
    """What a holdout holds, so that it is known again under another name."""

    event: Literal["holdout"] = Field("holdout", description="kind of line")
    utterances: tuple[Marks, ...] = Field(description="kind of mark → mark of its content, each")


class Looker(Part):
    """Who looks at a holdout, and for which trial."""

    study: str = Field(description="name of the study")
    trial: str = Field(description="`trial_42`, `ensemble` or `baseline`")
    config: str | None = Field(None, description="fingerprint of the configuration")
    commit: str | None = Field(None, description="of the code")
    by: str | None = Field(None, description="user of the system")


class Look(Looker, Line):
    """Somebody who looked at a holdout, for a trial."""


class OpenedLine(Look):
    """Written before the holdout's features are read."""

    event: Literal["opened"] = Field("opened", description="kind of line")
    opening: str = Field(description="which of the holdout's openings it is")
    model: str = Field(description="identity of the model")
    overlaps: tuple[Overlap, ...] = Field(
        description="earlier holdouts with some of the same utterances"
    )


class ScoredOpening(OpenedLine):
    """An opening together with what came out of it."""

    accuracy: float | None = Field(description="null while it is not finished")


class ScoredLine(Line):
    """What came out of an opening."""

    event: Literal["scored"] = Field("scored", description="kind of line")
    opening: str = Field(description="the opening")
    accuracy: float = Field(description="of the model on the holdout")


class PaperProtocolLine(Look):
    """A model that was tested after every epoch, as the reference does."""

    event: Literal["paper_protocol"] = Field("paper_protocol", description="kind of line")
    opening: str | None = Field(None, description="the opening that it belongs to")


class ReplayedLine(Look):
    """A scored model that was trained and tested once more."""

    event: Literal["replayed"] = Field("replayed", description="kind of line")
    model: str | None = Field(None, description="identity of the model")


class ProtocolLine(Look):
    """A fixed configuration that was scored under one of the field's protocols."""

    event: Literal["protocol"] = Field("protocol", description="kind of line")
    protocol: str = Field(description="its name")
    fold: str = Field(description="of which this holdout is the test part")
    test_picked: bool = Field(description="whether it was also tested after every epoch")


#: Event → what its lines hold.
LINES: dict[str, type[Line]] = {
    str(kind.model_fields["event"].default): kind
    for kind in (HoldoutLine, OpenedLine, ScoredLine, PaperProtocolLine, ReplayedLine, ProtocolLine)
}
