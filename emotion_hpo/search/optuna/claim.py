"""Claiming: how a worker takes the next trial in hands, and draws its parameters.

The parameters are drawn by a sampler made for this trial, so that a trial's sampler stream depends
on the study's seed and the trial's number alone, not on which worker claimed it or how often it was
restarted.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from filelock import FileLock
from optuna.samplers import BaseSampler

from emotion_hpo.config import ExperimentConfig, Scalar, SearchConfig, dump, flatten
from emotion_hpo.errors import ConfigError
from emotion_hpo.search.optuna.claimed import Claim
from emotion_hpo.search.optuna.connection import Connection
from emotion_hpo.search.optuna.frozen import derive_seed, former_lives, read_job
from emotion_hpo.search.optuna.heartbeat import Heartbeat, machine
from emotion_hpo.search.optuna.sampling import draw, pruner, sampler
from emotion_hpo.search.optuna.set_aside import ALONE
from emotion_hpo.search.optuna.slots import next_number
from emotion_hpo.search.space import Params, applies, configured


def claim_next(
    connection: Connection, worker: str, n_threads: int, commit: str | None
) -> Claim | None:
    """Take the next trial, or None; `Study.claim` says more."""
    config = connection.config
    with connection.lock() as check_lock:
        trials = connection.trials()
        number = next_number(connection, trials)
        if number is None:
            return None
        own_sampler = sampler(config, number)
        with _sampling_by(connection, own_sampler):
            trial = connection.study.ask()
        # The trial's own lock is taken before it is signed: whoever sees it signed sees it locked
        lock = FileLock(connection.lock_file(trial.number))
        lock.acquire(timeout=0)
        try:
            check_lock()  # without it the budget may just have been spent by another
            by = {"machine": machine(), "worker": worker, "n_threads": n_threads}
            trial.set_user_attr("by", {**by, "commit": commit})
        except BaseException:
            lock.release()
            raise
    heartbeat: Heartbeat | None = None
    try:  # with the lock of all let go: others need not wait while this worker draws
        if connection.storage.is_shared:
            heartbeat = _start_heartbeat(connection, trial.number)
        with _sampling_by(connection, own_sampler):
            params = _draw_params(config, trial)
        drawn, fault = _configured(config.experiment(), params)
    except BaseException:
        lock.release()
        if heartbeat is not None:
            heartbeat.stop()
        raise
    seed = derive_seed(config, trial.number, trial.user_attrs)
    lives = former_lives(trials, trial.number) if trial.number < len(trials) else ()
    is_alone = ALONE in trial.user_attrs
    job = read_job(trial.user_attrs)
    experiment = drawn if job is None else job.config
    return Claim(
        trial.number, experiment, seed, lives, trial, lock, is_alone, heartbeat, job, fault
    )


@contextmanager
def _sampling_by(connection: Connection, own_sampler: BaseSampler) -> Iterator[None]:
    """Draw the parameters of a trial by the sampler made for it, while there is no pruner.

    Optuna shows a sampler only the trials of the new one's Hyperband bracket, so that with four
    brackets it would know a quarter of what has been learnt.
    """
    study = connection.study
    study.sampler, study.pruner = own_sampler, optuna.pruners.NopPruner()
    try:
        with connection.snapshot.still():
            yield
    finally:
        study.pruner = pruner(connection.config, connection.n_trainings)


def _draw_params(config: SearchConfig, trial: optuna.Trial) -> dict[str, Scalar]:
    """Draw every range whose condition holds, in the order of the space."""
    base = flatten(dump(config.experiment()))
    params: dict[str, Scalar] = {}
    for path, values in config.space.items():
        if applies(values, {**base, **params}):
            params[path] = draw(trial, path, values)
    return params


def _configured(base: ExperimentConfig, params: Params) -> tuple[ExperimentConfig, str | None]:
    """Return what was drawn; the study's own configuration and why, where it cannot be.

    Each value of a space is possible (`check_space`), but not each combination of them is.
    """
    try:
        return configured(base, params), None
    except ConfigError as error:
        return base, "; ".join(str(error).splitlines())


def _start_heartbeat(connection: Connection, number: int) -> Heartbeat:
    trial_id = connection.trial_id(number)

    def beat(n_heartbeats: int) -> None:  # holds the connection, which closes once it is dropped
        connection.storage.tables.set_trial_user_attr(trial_id, "n_heartbeats", n_heartbeats)

    return Heartbeat(beat)
