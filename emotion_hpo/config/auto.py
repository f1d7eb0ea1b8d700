"""Values that the corpus decides: `auto` until its development part is open, and plain ever after.

A study is stored with the plain values, so that whatever reads it sees numbers. A command that asks
for `auto` of such a key asks for what is stored.
"""

from typing import Literal, TypeVar

Auto = Literal["auto"]

#: Keys of which no study keeps `auto`, beside `features.*.normalise`.
RESOLVED_KEYS = (
    "training.epochs",
    "training.batch_size",
    "training.batch_turns",
    "training.patience",
    "pruner.min_epochs",
    "pruner.n_warmup_epochs",
    "pruner.patience",
)

T = TypeVar("T")


def is_unresolved(path: str, value: object) -> bool:
    """Return whether the corpus has yet to decide this value.

    >>> is_unresolved("training.epochs", "auto"), is_unresolved("training.device", "auto")
    (True, False)
    >>> is_unresolved("features.speech.normalise", "auto")
    True
    """
    is_normalisation = path.startswith("features.") and path.endswith(".normalise")
    return value == "auto" and (path in RESOLVED_KEYS or is_normalisation)


def resolved(value: T | Auto) -> T:
    """Return a value of a configuration of which the corpus has decided everything."""
    assert value != "auto", "`search` decides it before anything is trained"
    return value
