"""Jobs in the storage: trials of a batch that a sampler does not propose, but a command asks for.

A batch is a study of its own in the same storage, without a space: its trials wait with their jobs,
are claimed by workers, and go on where they were cut off, as any trial.
"""

from collections.abc import Mapping, Sequence

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from emotion_hpo.config import SearchConfig
from emotion_hpo.config.pruner import NoPruner
from emotion_hpo.config.sampler import RandomSampler
from emotion_hpo.search.optuna.connection import Connection
from emotion_hpo.search.optuna.frozen import JOB, get_state, to_trial
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.training.job import IsStored, Job

#: No budget: a batch ends with its last job.
_NO_LIMIT = 1_000_000


def batch_config(config: SearchConfig) -> SearchConfig:
    """Return a study's configuration as that of a batch of jobs: nothing is proposed or pruned."""
    limits = {"n_trials": _NO_LIMIT, "max_epochs": None, "max_hours": None, "max_failures": None}
    study = config.study.model_copy(update={**limits, "second_objective": None, "enqueue": ()})
    changes = {
        "study": study,
        "space": {},
        "sampler": RandomSampler(name="random"),
        "pruner": NoPruner(name="none"),
    }
    return config.model_copy(update=changes)


def open_jobs(connection: Connection, jobs: Sequence[Job], is_stored: IsStored) -> None:
    """Let these jobs wait, as far as nothing is stored of them, and no others.

    What is withdrawn goes on where it was cut off once it is asked for again.
    """
    with connection.lock():
        requested = {job.name for job in jobs}
        latest = _latest_lives(connection.visible_trials())
        for name, trial in latest.items():
            if name not in requested and trial.state is OptunaState.WAITING:
                connection.storage.tables.set_trial_state_values(
                    connection.trial_id(trial.number), state=OptunaState.FAIL
                )
        for job in jobs:
            former = latest.get(job.name)
            state = None if former is None else get_state(former)
            if state in (TrialState.WAITING, TrialState.RUNNING):
                continue
            files = None
            if former is not None and state in (TrialState.COMPLETE, TrialState.PRUNED):
                files = connection.home.trial(former.number)
            if is_stored(job, files):
                continue
            attrs = {JOB: job.to_plain(), "seed": job.seed}
            if former is not None and state is TrialState.INTERRUPTED:
                attrs["continues"] = former.number
            connection.study.enqueue_trial({}, user_attrs=attrs)


def trials_by_job(connection: Connection) -> Mapping[str, Trial]:
    """Return name of a job → its latest life."""
    latest = _latest_lives(connection.visible_trials())
    home, config = connection.home, connection.config
    return {name: to_trial(home, config, trial) for name, trial in latest.items()}


def _latest_lives(trials: Sequence[FrozenTrial]) -> dict[str, FrozenTrial]:
    return {trial.user_attrs[JOB]["name"]: trial for trial in trials}
