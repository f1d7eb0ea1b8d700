"""What a model reads of a dialogue beside an utterance, for wherever a score of it stands."""

from collections.abc import Iterable
from typing import Literal, Protocol

#: Turns before an utterance, or those after it as well.
TurnsRead = Literal["past", "both"]

#: What a person should know of it.
READINGS: dict[TurnsRead, str] = {
    "past": "reads the turns before, and none after",
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

    >>> describe_turns_read("past"), describe_turns_read(None)
    ('reads the turns before, and none after', '')
    """
    return "" if turns_read is None else READINGS[turns_read]
