"""What Optuna has stored of a trial, read in our terms.

Some of Optuna's trials are nobody's to see: another study's prior_trials (`warm_start`), and known
points that were withdrawn when the budget was used up. They are *hidden*: they count as nothing.
"""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from emotion_hpo.config import Range, SearchConfig
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.search.optuna.sampling import distribution
from emotion_hpo.search.warm_start import PriorTrial
from emotion_hpo.study import StudyHome, Training, Trial, TrialState
from emotion_hpo.study.curves import read_curve

STATES = {
    OptunaState.WAITING: TrialState.WAITING,
    OptunaState.RUNNING: TrialState.RUNNING,
    OptunaState.COMPLETE: TrialState.COMPLETE,
    OptunaState.PRUNED: TrialState.PRUNED,
    OptunaState.FAIL: TrialState.FAILED,
}

#: Attribute of a prior_trial: where it comes from.
PRIOR = "prior_trial"


def is_hidden(one: FrozenTrial) -> bool:
    """Whether a trial is a prior_trial, or was withdrawn: it has failed without having begun."""
    is_withdrawn = one.state is OptunaState.FAIL and one.datetime_start is None
    return PRIOR in one.user_attrs or is_withdrawn


def state_of(one: FrozenTrial) -> TrialState:
    """Where a trial stands."""
    if one.user_attrs.get("interrupted") and one.state is not OptunaState.WAITING:
        return TrialState.INTERRUPTED
    return STATES[one.state]


def seed_of(config: SearchConfig, number: int, attrs: Mapping[str, Any]) -> int:
    """Of a trial's trainings: its own, or that of its former life."""
    known: int | None = attrs.get("seed")
    return derive(config.study.seed, "training", number) if known is None else known


def record_of(home: StudyHome, config: SearchConfig, one: FrozenTrial) -> Trial:
    """A trial with the curve that lies in the study's home."""
    attrs, by = one.user_attrs, one.user_attrs.get("by", {})
    return Trial(
        number=one.number,
        state=state_of(one),
        params=one.params,
        value=attrs.get("value"),
        best_epoch=attrs.get("best_epoch"),
        curve=read_curve(home.trial(one.number)),
        trainings=tuple(Training(**one) for one in attrs.get("trainings", ())),
        worker=by.get("worker"),
        reason=attrs.get("reason"),
        continues=attrs.get("continues"),
        seed=seed_of(config, one.number, attrs) if by else attrs.get("seed"),
        n_threads=by.get("n_threads"),
        started_at=one.datetime_start.timestamp() if one.datetime_start else None,
        finished_at=one.datetime_complete.timestamp() if one.datetime_complete else None,
        commit=by.get("commit"),
        cost=attrs.get("cost"),
    )


def former_lives(trials: list[FrozenTrial], number: int) -> tuple[int, ...]:
    """Interrupted trials that one continues, the latest first."""
    lives: list[int] = []
    while (number := trials[number].user_attrs.get("continues", -1)) >= 0:
        lives.append(number)
    return tuple(lives)


def hidden_trial(prior_trial: PriorTrial, space: dict[str, Range]) -> FrozenTrial:
    """A prior_trial as a trial that samplers learn from.

    It has no steps but the last of a pruned one, so that no pruner compares with it.
    """
    pruned = prior_trial.n_epochs is not None
    return optuna.trial.create_trial(
        state=OptunaState.PRUNED if pruned else OptunaState.COMPLETE,
        value=prior_trial.value,
        params=dict(prior_trial.params),
        distributions={path: distribution(space[path]) for path in prior_trial.params},
        user_attrs={PRIOR: prior_trial.origin},
        intermediate_values={prior_trial.n_epochs: prior_trial.value}
        if prior_trial.n_epochs
        else {},
    )
