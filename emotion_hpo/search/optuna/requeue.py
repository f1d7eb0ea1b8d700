"""Putting trials back: those that were stopped, and those whose worker is gone.

A trial that was cut off keeps its number as INTERRUPTED and counts towards no budget; a new trial
with the same parameters and seed continues it. Who is cut off is decided by locks and heartbeats
(`heartbeat.py`), and which trial workers die of by evidence (`deaths.py`). Everything here happens
under the lock of all who claim or end trials.
"""

import logging
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from emotion_hpo.search.optuna.claimed import Claim
from emotion_hpo.search.optuna.connection import Connection
from emotion_hpo.search.optuna.deaths import (
    DIED,
    format_reason,
    has_died_alone,
    is_not_for_others,
    list_deaths,
)
from emotion_hpo.search.optuna.frozen import JOB, derive_seed, get_point, get_state, to_trial
from emotion_hpo.search.optuna.heartbeat import HeartbeatMonitor, machine
from emotion_hpo.search.optuna.retry import StorageRetry
from emotion_hpo.search.optuna.set_aside import ALONE, Alone
from emotion_hpo.study import PARTIAL, TrialState
from emotion_hpo.study.trials import write_trial

_log = logging.getLogger(__name__)


def release(connection: Connection, claim: Claim, *, evidence: str | None = None) -> None:
    """Put a trial in hands back; with evidence of what it lacked, it is tried once more alone."""
    with connection.lock():
        if get_state(connection.read_trial(claim.number)) is TrialState.RUNNING:
            if evidence is not None:
                connection.set_attr(claim.number, DIED, evidence)
            _requeue(connection, claim.number, alone=evidence is not None)
    claim.drop()


class OrphanWatch:
    """Finds the running trials that nobody trains any more, and puts them back.

    Args:
        connection: To the study.
        retry: Counts how often the storage was away.
    """

    def __init__(self, connection: Connection, retry: StorageRetry) -> None:
        self._connection = connection
        self._retry = retry
        self._heartbeats = HeartbeatMonitor()
        self._orphan_since: dict[int, float] = {}

    def requeue_orphans(self, grace_s: float) -> None:
        """Put every trial back that has been seen without its worker for so long."""
        with self._connection.lock():
            now = time.monotonic()
            orphans = [trial.number for trial in self._running() if self._is_orphan(trial)]
            first_seen = {number: self._orphan_since.get(number, now) for number in orphans}
            self._orphan_since = first_seen
            for number in orphans:
                if now - first_seen[number] >= grace_s:
                    _put_back(self._connection, number)

    def requeue_trials_of(self, worker: str, *, evidence: str | None, is_gone: bool) -> None:
        """Put back what a worker held that has ended; `Study.requeue_trials_of` says more."""
        with self._connection.lock():
            held = [trial for trial in self._running() if _worker_name(trial) == worker]
            held.sort(key=lambda trial: trial.datetime_start or datetime.min)
            if held and evidence is not None:  # those before it are of a former worker of this name
                self._connection.set_attr(held[-1].number, DIED, evidence)
            for trial in held:
                if self._is_orphan(trial, worker if is_gone else None):
                    _put_back(self._connection, trial.number)

    def _running(self) -> list[FrozenTrial]:
        trials = self._connection.trials()
        return [trial for trial in trials if trial.state is OptunaState.RUNNING]

    def _is_orphan(self, trial: FrozenTrial, gone: str | None = None) -> bool:
        """Return whether nobody trains a running trial.

        Where no machine is stored, its claim was cut off, and the claimer has let go of the lock.

        Args:
            trial: As it stands.
            gone: A worker that is known to have ended.
        """
        attrs, by = trial.user_attrs, trial.user_attrs.get("by", {})
        if by.get("machine", machine()) == machine():
            try:
                with FileLock(self._connection.lock_file(trial.number), timeout=0):
                    return True
            except Timeout:
                return False
        if gone is not None and _worker_name(trial) == gone:
            return True
        n_heartbeats, n_outages = attrs.get("n_heartbeats", 0), self._retry.n_outages
        return self._heartbeats.is_silent(trial.number, n_heartbeats, n_outages)


def _worker_name(trial: FrozenTrial) -> str | None:
    """Return who holds a running trial, without its place; None in a claim that was cut off."""
    worker: str | None = trial.user_attrs.get("by", {}).get("worker")
    return worker and worker.partition("@")[0]


def _put_back(connection: Connection, number: int) -> None:
    """Requeue a trial whose worker is gone, or end it as failed if it died alone."""
    trials = connection.trials()
    if has_died_alone(connection.home, trials, number):
        reason = format_reason(list_deaths(connection.home, trials, number))
        connection.set_attr(number, "reason", reason)
        record = to_trial(connection.home, connection.config, connection.trials()[number])
        failed = replace(record, state=TrialState.FAILED, finished_at=time.time())
        write_trial(connection.home, failed)
        connection.study.tell(number, state=OptunaState.FAIL)
    else:
        _requeue(connection, number)


def _requeue(connection: Connection, number: int, *, alone: bool = False) -> None:
    """Interrupt a trial, and enqueue what continues it.

    Safe to be cut off and repeated: the new slot is made first, and made once; what says that the
    trial is interrupted is written last.
    """
    trials = connection.trials()
    interrupted = trials[number]
    if not any(trial.user_attrs.get("continues") == number for trial in trials):
        attrs: dict[str, Any] = {"continues": number}
        attrs["seed"] = derive_seed(connection.config, number, interrupted.user_attrs)
        if JOB in interrupted.user_attrs:
            attrs[JOB] = interrupted.user_attrs[JOB]
        if alone or is_not_for_others(connection.home, trials, number):
            attrs[ALONE] = Alone.SET_ASIDE.value
            if ALONE not in interrupted.user_attrs:
                deaths = ", ".join(list_deaths(connection.home, trials, number))
                job = to_trial(connection.home, connection.config, interrupted).job
                _log.warning(
                    f"{job or f'trial_{number}'}: workers died of it ({deaths}); it is tried once "
                    "more at the end, with no other worker beside it"
                )
        connection.study.enqueue_trial(get_point(interrupted), user_attrs=attrs)
    trial_home = connection.home.trial(number)
    trial_home.record.unlink(missing_ok=True)  # it was about to end
    for half_written in trial_home.path.glob(PARTIAL):
        half_written.unlink(missing_ok=True)
    connection.set_attr(number, "interrupted", True)
    connection.study.tell(number, state=OptunaState.FAIL)
