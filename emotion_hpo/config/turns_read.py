"""What a model reads of a dialogue beside an utterance, for wherever a score of it stands."""

from collections.abc import Iterable
from typing import Literal, Protocol

#: Turns before an utterance, or those after it as well.
TurnsRead = Literal["past", "both"]

#: What a person should know of it.
READINGS: dict[TurnsRead, str] = {
    "past": "reads the turns before",
    "both": "reads the turns after, too: not for live use",
}


class _Model(Protocol):
    @property
    def has_context(self) -> bool: ...

    @property
    def reads_after(self) -> bool: ...


def find_turns_read(models: Iterable[_Model]) -> TurnsRead | None:
    """Return what models that answer together read beside an utterance; None: nothing."""
    members = list(models)
    if any(model.reads_after for model in members):
        return "both"
    return "past" if any(model.has_context for model in members) else None


def describe_turns_read(turns_read: TurnsRead | None) -> str:
    """Return what a reader of a score must know of the turns read, as the end of a sentence.

    Nothing where no later turn is read: such a score is as good for live use as any other.

    >>> describe_turns_read("both"), describe_turns_read("past")
    ('reads the turns after, too: not for live use', '')
    """
    return READINGS["both"] if turns_read == "both" else ""
