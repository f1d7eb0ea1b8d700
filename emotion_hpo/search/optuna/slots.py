"""The slots of a study: which trial is next, and whether the budget has room for it.

The budget is kept under a lock: who claims a trial counts those that are finished or in hands, and
takes none beyond the budget. The next trial is the lowest one that waits (a known point, or one
that was cut off), else a new one. Trials that are set aside (`deaths.py`) hold their slots, and are
taken up one at a time once nothing else is left.
"""

from collections.abc import Sequence

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from emotion_hpo.config import SearchConfig
from emotion_hpo.search.budget import is_used_up
from emotion_hpo.search.enumeration import exhaustible_points, is_exhaustible
from emotion_hpo.search.optuna.connection import Connection
from emotion_hpo.search.optuna.frozen import (
    PRIOR,
    get_point,
    get_state,
    is_hidden,
    to_hidden_trial,
    to_trial,
)
from emotion_hpo.search.optuna.set_aside import ALONE, Alone, is_set_aside
from emotion_hpo.search.prior_trial import PriorTrial
from emotion_hpo.search.space import Params, defaults
from emotion_hpo.study import TrialState


def open_slots(connection: Connection, prior_trials: Sequence[PriorTrial]) -> None:
    """Enqueue the points that are tried before any is drawn; `Study.open_slots` says more."""
    with connection.lock():
        _add_prior_trials(connection, prior_trials)
        visible = connection.visible_trials()
        for trial in visible:
            if trial.state is OptunaState.WAITING and ALONE in trial.user_attrs:
                connection.set_attr(trial.number, ALONE, Alone.SET_ASIDE.value)
        enqueued = {trial.user_attrs.get("known") for trial in visible}
        counted = [trial for trial in visible if get_state(trial) is not TrialState.INTERRUPTED]
        n_open = connection.config.study.n_trials - len(counted)
        tried = {frozenset(get_point(trial).items()) for trial in counted}
        for index, params in enumerate(_known_points(connection.config)):
            point = frozenset(params.items())
            if n_open > 0 and index not in enqueued and point not in tried:
                connection.study.enqueue_trial(dict(params), user_attrs={"known": index})
                tried.add(point)
                n_open -= 1


def _add_prior_trials(connection: Connection, prior_trials: Sequence[PriorTrial]) -> None:
    """Let the sampler learn from another study's trials, from each once."""
    added = {trial.user_attrs.get(PRIOR) for trial in connection.trials()}
    for prior_trial in prior_trials:
        if prior_trial.origin not in added:
            connection.study.add_trial(to_hidden_trial(prior_trial, connection.config.space))


def _known_points(config: SearchConfig) -> list[Params]:
    """Return the points that are tried before any is drawn; of an exhaustible space, all."""
    default = defaults(config.experiment(), config.space)
    return [default, *config.study.enqueue, *(exhaustible_points(config) or ())]


def next_number(connection: Connection, trials: list[FrozenTrial]) -> int | None:
    """Return the number of the next trial, or None if the budget has room for none.

    The lock of all who claim is held.
    """
    visible = [trial for trial in trials if not is_hidden(trial)]
    states = [get_state(trial) for trial in visible]
    n_taken = sum(state.is_finished or state is TrialState.RUNNING for state in states)
    n_taken += sum(map(is_set_aside, visible))
    if n_taken >= connection.config.study.n_trials:
        return None
    waiting = [
        trial
        for trial, state in zip(visible, states, strict=True)
        if state is TrialState.WAITING and not is_set_aside(trial)
    ]
    if _is_used_up(connection, visible):
        waiting = _withdraw_known_points(connection, waiting)
        if not waiting:
            return None
    if not waiting and is_exhaustible(connection.config):
        return None
    return min((trial.number for trial in waiting), default=len(trials))


def _is_used_up(connection: Connection, visible: list[FrozenTrial]) -> bool:
    study = connection.config.study
    if study.max_epochs is None and study.max_hours is None:
        return False  # without reading every curve
    return is_used_up(
        study, (to_trial(connection.home, connection.config, trial) for trial in visible)
    )


def _withdraw_known_points(connection: Connection, waiting: list[FrozenTrial]) -> list[FrozenTrial]:
    """Fail the known points that wait, for Optuna hands out whatever does; return the others."""
    known = [trial for trial in waiting if "continues" not in trial.user_attrs]
    for trial in known:
        connection.storage.tables.set_trial_state_values(
            connection.trial_id(trial.number), state=OptunaState.FAIL
        )
    connection.trials()  # read again: what is read next holds still
    return [trial for trial in waiting if trial not in known]


def count_set_aside(connection: Connection) -> int:
    """Count the trials that wait to be tried alone."""
    return sum(map(is_set_aside, connection.trials()))


def take_up_set_aside(connection: Connection) -> None:
    """Let the first trial that is set aside be claimed next."""
    with connection.lock():
        trial = next(filter(is_set_aside, connection.trials()), None)
        if trial is not None:
            connection.set_attr(trial.number, ALONE, Alone.TAKEN_UP.value)
