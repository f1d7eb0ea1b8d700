"""Reports on a trial in hands, and its end: complete, pruned or failed.

What a trial has come to is noted before the lock is taken, and its end under the lock, so that
nobody puts it back meanwhile. A call that is repeated after the storage was away finds what it has
done already.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import optuna

from emotion_hpo.search.optuna.claimed import Claim, ClaimLost
from emotion_hpo.search.optuna.connection import Connection
from emotion_hpo.search.optuna.frozen import STATES, get_state, to_trial
from emotion_hpo.study import Training, TrialState
from emotion_hpo.study.trials import write_trial

_OPTUNA_STATES = {state: optuna_state for optuna_state, state in STATES.items()}


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes:
        state: Complete, pruned or failed.
        value: The objective; None if it failed.
        best_epoch: The epoch that `value` is from.
        reason: Why it failed.
        trainings: Each training over folds and seeds.
        cost: The second objective, where the study has one.
    """

    state: TrialState
    value: float | None
    best_epoch: int | None
    reason: str | None = None
    trainings: tuple[Training, ...] = ()
    cost: float | None = None

    def to_attrs(self) -> dict[str, Any]:
        """Return the attributes under which Optuna stores it; what is None is not stored."""
        attrs: dict[str, Any] = {
            "value": self.value,
            "best_epoch": self.best_epoch,
            "reason": self.reason,
            "trainings": [asdict(training) for training in self.trainings] or None,
            "cost": self.cost,
        }
        return {name: value for name, value in attrs.items() if value is not None}


def report_step(connection: Connection, claim: Claim, step: int, value: float) -> bool:
    """Store a step's value; return whether to prune the trial. `Study.report` says more."""
    config = connection.config
    if config.study.second_objective is not None:  # Optuna has no steps with two objectives
        return False
    _store_step(claim, step, value)
    is_poor = claim.trial.should_prune()  # called for every trial: it notes what others meet
    return is_poor and claim.config.identity != config.experiment().identity


def report_steps(connection: Connection, claim: Claim, values: Mapping[int, float]) -> None:
    """Store several steps at once, without pruning."""
    if connection.config.study.second_objective is None:
        for step, value in values.items():
            _store_step(claim, step, value)


def _store_step(claim: Claim, step: int, value: float) -> None:
    try:
        claim.trial.report(value, step)
    except optuna.exceptions.UpdateFinishedTrialError:
        raise ClaimLost(claim.number) from None


def end_trial(connection: Connection, claim: Claim, ending: Ending) -> None:
    """End a trial, in its folder and in the storage.

    Raises:
        ClaimLost: The trial is another's by now.
    """
    number = claim.number
    if get_state(connection.read_trial(number)) is TrialState.RUNNING:
        for name, value in ending.to_attrs().items():
            try:
                connection.set_attr(number, name, value)
            except optuna.exceptions.UpdateFinishedTrialError:
                raise ClaimLost(number) from None
    with connection.lock():
        stored = connection.read_trial(number)
        state = get_state(stored)
        if state is TrialState.INTERRUPTED:
            raise ClaimLost(number)
        if state is TrialState.RUNNING:  # else it ended just before the storage went away
            record = to_trial(connection.home, connection.config, stored)
            ended = replace(record, state=ending.state, finished_at=time.time())
            write_trial(connection.home, ended)
            is_complete = ending.state is TrialState.COMPLETE
            scores = [score for score in (ending.value, ending.cost) if score is not None]
            connection.study.tell(
                claim.trial,
                values=scores if is_complete else None,
                state=_OPTUNA_STATES[ending.state],
            )
    claim.drop()
