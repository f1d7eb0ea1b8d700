"""Trials that wait until nothing else is left, to be trained with no other beside them."""

from enum import StrEnum

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

#: Attribute of a life that is not to be trained beside others.
ALONE = "alone"


class Alone(StrEnum):
    """Whether a trial that is not to be trained beside others may be claimed."""

    SET_ASIDE = "set aside"
    TAKEN_UP = "taken up"


def is_set_aside(trial: FrozenTrial) -> bool:
    """Return whether a trial waits until nothing else is left."""
    return trial.state is OptunaState.WAITING and trial.user_attrs.get(ALONE) == Alone.SET_ASIDE
