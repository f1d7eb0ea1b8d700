"""What Optuna has stored of a trial, read in our terms.

Some of Optuna's trials are nobody's to see: prior trials of another study (`warm_start`), and known
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
from emotion_hpo.search.prior_trial import PriorTrial
from emotion_hpo.study import StudyHome, Training, Trial, TrialState
from emotion_hpo.study.curves import read_curve
from emotion_hpo.training.job import Job

STATES = {
    OptunaState.WAITING: TrialState.WAITING,
    OptunaState.RUNNING: TrialState.RUNNING,
    OptunaState.COMPLETE: TrialState.COMPLETE,
    OptunaState.PRUNED: TrialState.PRUNED,
    OptunaState.FAIL: TrialState.FAILED,
}

#: Attribute of a prior trial: where it comes from.
PRIOR = "prior_trial"

#: Attribute of a trial of a batch: the job that it trains.
JOB = "job"


def is_hidden(trial: FrozenTrial) -> bool:
    """Return whether a trial is a prior trial, or was withdrawn: failed without having begun."""
    is_withdrawn = trial.state is OptunaState.FAIL and trial.datetime_start is None
    return PRIOR in trial.user_attrs or is_withdrawn


def get_state(trial: FrozenTrial) -> TrialState:
    """Return where a trial stands."""
    if trial.user_attrs.get("interrupted") and trial.state is not OptunaState.WAITING:
        return TrialState.INTERRUPTED
    return STATES[trial.state]


def derive_seed(config: SearchConfig, number: int, attrs: Mapping[str, Any]) -> int:
    """Return the seed of a trial's trainings: its own, or that of its former life."""
    inherited: int | None = attrs.get("seed")
    return derive(config.study.seed, "training", number) if inherited is None else inherited


def get_point(trial: FrozenTrial) -> dict[str, Any]:
    """Return a trial's parameters, those included that are queued and not drawn yet."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def to_trial(home: StudyHome, config: SearchConfig, stored: FrozenTrial) -> Trial:
    """Return a trial in our terms, with the curve that lies in the study's home."""
    number, attrs, by = stored.number, stored.user_attrs, stored.user_attrs.get("by", {})
    started_at, finished_at = stored.datetime_start, stored.datetime_complete
    return Trial(
        number=number,
        state=get_state(stored),
        params=stored.params,
        value=attrs.get("value"),
        best_epoch=attrs.get("best_epoch"),
        curve=read_curve(home.trial(number)),
        trainings=tuple(Training(**training) for training in attrs.get("trainings", ())),
        worker=by.get("worker"),
        reason=attrs.get("reason"),
        continues=attrs.get("continues"),
        seed=derive_seed(config, number, attrs) if by else attrs.get("seed"),
        n_threads=by.get("n_threads"),
        started_at=started_at.timestamp() if started_at else None,
        finished_at=finished_at.timestamp() if finished_at else None,
        commit=by.get("commit"),
        cost=attrs.get("cost"),
        job=attrs.get(JOB, {}).get("name"),
    )


def read_job(attrs: Mapping[str, Any]) -> Job | None:
    """Return the job of a trial with these attributes; None of a search's trial."""
    plain = attrs.get(JOB)
    return None if plain is None else Job.from_plain(plain)


def former_lives(trials: list[FrozenTrial], number: int) -> tuple[int, ...]:
    """Return the numbers of the interrupted trials that a trial continues, the latest first."""
    lives: list[int] = []
    while (number := trials[number].user_attrs.get("continues", -1)) >= 0:
        lives.append(number)
    return tuple(lives)


def to_hidden_trial(prior_trial: PriorTrial, space: dict[str, Range]) -> FrozenTrial:
    """Return a prior trial as a trial that samplers learn from.

    It has no steps but the last of a pruned one, so that no pruner compares with it.
    """
    value, n_epochs = prior_trial.value, prior_trial.n_epochs
    return optuna.trial.create_trial(
        state=OptunaState.COMPLETE if n_epochs is None else OptunaState.PRUNED,
        value=value,
        params=dict(prior_trial.params),
        distributions={path: distribution(space[path]) for path in prior_trial.params},
        user_attrs={PRIOR: prior_trial.origin},
        intermediate_values={n_epochs: value} if n_epochs else {},
    )
