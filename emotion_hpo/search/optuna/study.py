"""The study in Optuna's storage: slots, claims, reports, ends. No other package imports optuna.

The budget is kept under a lock: who claims a trial counts those that are finished or in hands, and
takes none beyond the budget. It takes the lowest one that waits (a known point, or one that was cut
off), else a new one, and draws its parameters there; so no trial is claimed twice, none too many is
made, and a trial's sampler stream depends on the study's seed and the trial's number alone, not on
which worker asked or how often it was restarted.

A trial that was cut off keeps its number as INTERRUPTED and counts towards no budget; a new
trial with the same parameters and seed continues it. Who is cut off is decided by locks and pulses
(`heartbeat.py`), and which trial workers die of by evidence (`deaths.py`); every call waits for a
storage that is away (`retry.py`).
"""

import logging
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from emotion_hpo.config import Scalar, SearchConfig, dump, flatten
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.search.budget import is_used_up
from emotion_hpo.search.enumeration import exhaustible_points, is_exhaustible
from emotion_hpo.search.optuna.claim import Claim, ClaimLost, lost
from emotion_hpo.search.optuna.deaths import (
    ALONE,
    DIED,
    MOST_DEATHS,
    Alone,
    deaths_of,
    has_died_alone,
    is_not_for_others,
    is_set_aside,
    reason_of,
)
from emotion_hpo.search.optuna.frozen import (
    PRIOR,
    STATES,
    former_lives,
    hidden_trial,
    is_hidden,
    record_of,
    seed_of,
    state_of,
)
from emotion_hpo.search.optuna.heartbeat import Heartbeat, HeartbeatMonitor, machine
from emotion_hpo.search.optuna.identity import check_identity, check_records
from emotion_hpo.search.optuna.retry import StorageAway, StorageRetry, retried
from emotion_hpo.search.optuna.sampling import draw, pruner, sampler
from emotion_hpo.search.optuna.snapshot import SnapshotStorage
from emotion_hpo.search.optuna.storage import StorageHandle, open_storage
from emotion_hpo.search.space import Params, applies, configured, defaults
from emotion_hpo.search.warm_start import PriorTrial
from emotion_hpo.study import PARTIAL, StudyHome, Training, Trial, TrialState
from emotion_hpo.study.trials import write_trial

_log = logging.getLogger(__name__)

optuna.logging.set_verbosity(optuna.logging.WARNING)
logging.getLogger("optuna").propagate = False

__all__ = ["MOST_DEATHS", "Claim", "ClaimLost", "StorageAway", "Study"]


class Study:
    """One study: a thin layer over Optuna that keeps the promises above.

    Args:
        home: Its files.
        config: What is searched.
        n_trainings: Of a trial, over folds and seeds; only who trains must say it.
        gives_up: Whether a storage that is away is to be waited for no longer.
        is_expected: Whether the storage has been open before, as for every worker.
    """

    def __init__(
        self,
        home: StudyHome,
        config: SearchConfig,
        n_trainings: int = 1,
        *,
        gives_up: Callable[[], bool] = lambda: False,
        is_expected: bool = False,
    ) -> None:
        self._home = home
        self._config = config
        self._n_trainings = n_trainings
        self.retry = StorageRetry(gives_up, is_expected=is_expected)
        self._watch = HeartbeatMonitor()
        self._orphan_since: dict[int, float] = {}
        self._ended: dict[int, Trial] = {}

    @cached_property
    def _storage(self) -> StorageHandle:
        storage = open_storage(self._home, self._config.storage)
        weakref.finalize(self, storage.tables.engine.dispose)
        return storage

    @cached_property
    def _snapshot(self) -> SnapshotStorage:
        return SnapshotStorage(self._storage.tables)

    def _claims(self) -> AbstractContextManager[Callable[[], None]]:
        return self._storage.claims()

    @cached_property
    def _study(self) -> optuna.Study:
        study = optuna.create_study(
            storage=self._snapshot,
            study_name=self._home.name,
            directions=self._directions(),
            pruner=pruner(self._config, self._n_trainings),
            load_if_exists=True,
        )
        if self._storage.is_shared:
            check_identity(study, self._home)
        check_records(study, self._home)
        return study

    def _directions(self) -> list[StudyDirection]:
        high, low = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
        against = [low] if self._config.study.second_objective is not None else []
        return [high if find_metric(self._config.study.objective).sign > 0 else low, *against]

    @retried
    def open_slots(self, prior_trials: Sequence[PriorTrial] = ()) -> None:
        """Enqueue the points that are tried before any is drawn, as far as the budget goes.

        What was taken up to be tried alone, and not begun, is set aside again: others come first.

        Args:
            prior_trials: What another study has learnt, for the sampler alone.
        """
        with self._claims():
            learnt = {one.user_attrs.get(PRIOR) for one in self._trials()}
            for prior_trial in prior_trials:
                if prior_trial.origin not in learnt:
                    self._study.add_trial(hidden_trial(prior_trial, self._config.space))
            own = [one for one in self._trials() if not is_hidden(one)]
            for trial in own:
                if trial.state is OptunaState.WAITING and ALONE in trial.user_attrs:
                    self._mark_alone(trial, Alone.SET_ASIDE)
            made = {one.user_attrs.get("known") for one in own}
            n_open = self._config.study.n_trials - sum(
                state_of(one) is not TrialState.INTERRUPTED for one in own
            )
            tried = {
                frozenset({**one.system_attrs.get("fixed_params", {}), **one.params}.items())
                for one in own
                if state_of(one) is not TrialState.INTERRUPTED
            }
            for index, params in enumerate(self._known_points()):
                point = frozenset(params.items())
                if n_open > 0 and index not in made and point not in tried:
                    self._study.enqueue_trial(dict(params), user_attrs={"known": index})
                    tried.add(point)
                    n_open -= 1

    @retried
    def claim(self, worker: str, n_threads: int = 1, commit: str | None = None) -> Claim | None:
        """Take the next trial, or None if the budget is spent or in other workers' hands.

        If the storage goes away on the way, what was taken is left to be put back as an orphan.
        """
        with self._claims() as check_lock:
            trials = self._trials()
            number = self._open_slot(trials)
            if number is None:
                return None
            own_sampler = sampler(self._config, number)
            with self._sampling_by(own_sampler):
                trial = self._study.ask()
            lock = FileLock(self._lock_file(trial.number))
            lock.acquire(timeout=0)
            try:
                check_lock()  # without it the budget may just have been spent by another
                by = {"machine": machine(), "worker": worker, "n_threads": n_threads}
                trial.set_user_attr("by", {**by, "commit": commit})
            except BaseException:
                lock.release()
                raise
        heartbeat = self._heartbeat(trial._trial_id) if self._storage.is_shared else None
        try:  # with the lock of all let go: others need not wait while this one draws
            with self._sampling_by(own_sampler):
                config = configured(self._config.experiment(), self._suggest(trial))
        except BaseException:
            lock.release()
            if heartbeat is not None:
                heartbeat.stop()
            raise
        seed = seed_of(self._config, trial.number, trial.user_attrs)
        lives = former_lives(trials, trial.number) if trial.number < len(trials) else ()
        is_alone = ALONE in trial.user_attrs
        return Claim(trial.number, config, seed, lives, trial, lock, is_alone, heartbeat)

    def _open_slot(self, trials: list[FrozenTrial]) -> int | None:
        """The number that the next trial will have, or None if the budget has room for none."""
        own = [one for one in trials if not is_hidden(one)]
        states = [state_of(one) for one in own]
        n_taken = sum(one.is_finished or one is TrialState.RUNNING for one in states)
        n_taken += sum(map(is_set_aside, own))
        if n_taken >= self._config.study.n_trials:
            return None
        waiting = [
            trial
            for trial in own
            if state_of(trial) is TrialState.WAITING and not is_set_aside(trial)
        ]
        if self._is_used_up(own):
            waiting = self._withdraw_new(waiting)
            if not waiting:
                return None
        if not waiting and is_exhaustible(self._config):
            return None
        return min((one.number for one in waiting), default=len(trials))

    @contextmanager
    def _sampling_by(self, own_sampler: optuna.samplers.BaseSampler) -> Iterator[None]:
        """Draw the parameters of a trial by the sampler made for it, while there is no pruner.

        Optuna shows a sampler only the trials of the new one's Hyperband bracket, so that with four
        brackets it would know a quarter of what has been learnt.
        """
        self._study.sampler = own_sampler
        self._study.pruner = optuna.pruners.NopPruner()
        try:
            with self._snapshot.still():
                yield
        finally:
            self._study.pruner = pruner(self._config, self._n_trainings)

    def _is_used_up(self, own: list[FrozenTrial]) -> bool:
        study = self._config.study
        if study.max_epochs is None and study.max_hours is None:
            return False  # without reading every curve
        return is_used_up(study, map(self._read, own))

    def _withdraw_new(self, waiting: list[FrozenTrial]) -> list[FrozenTrial]:
        """Withdraw known points, for Optuna hands out whatever waits; returns what continues."""
        new = [one for one in waiting if "continues" not in one.user_attrs]
        for one in new:
            self._storage.tables.set_trial_state_values(one._trial_id, state=OptunaState.FAIL)
        self._trials()  # what is read next holds still
        return [one for one in waiting if one not in new]

    def _heartbeat(self, trial_id: int) -> Heartbeat:
        def beat(n_heartbeats: int) -> None:  # holds the study, whose connections close with it
            self._storage.tables.set_trial_user_attr(trial_id, "n_heartbeats", n_heartbeats)

        return Heartbeat(beat)

    @retried
    def report(self, claim: Claim, step: int, value: float) -> bool:
        """Store a step's figure (`pruning.steps`); True if the pruner would end the trial here.

        The default configuration is never pruned: every winner is held against it.

        Raises:
            ClaimLost: The trial is another's by now.
        """
        if (
            self._config.study.second_objective is not None
        ):  # Optuna has no steps with two objectives
            return False
        self._tell_step(claim, step, value)
        is_poor = claim.trial.should_prune()  # asked of every trial: it notes what others meet
        return is_poor and claim.config.identity != self._config.experiment().identity

    @retried
    def report_previous_steps(self, claim: Claim, values: Mapping[int, float]) -> None:
        """Store the steps that the trial's former life has gone already."""
        steps = values if self._config.study.second_objective is None else {}
        for step, value in steps.items():
            self._tell_step(claim, step, value)

    def _tell_step(self, claim: Claim, step: int, value: float) -> None:
        try:
            claim.trial.report(value, step)
        except optuna.exceptions.UpdateFinishedTrialError:
            raise lost(claim) from None

    @retried
    def end(
        self,
        claim: Claim,
        state: TrialState,
        value: float | None,
        best_epoch: int | None,
        reason: str | None = None,
        trainings: tuple[Training, ...] = (),
        cost: float | None = None,
    ) -> None:
        """End a trial as complete, pruned or failed.

        Raises:
            ClaimLost: The trial is another's by now.
        """
        facts: dict[str, Any] = {"value": value, "best_epoch": best_epoch, "reason": reason}
        facts |= {"trainings": [asdict(one) for one in trainings] or None, "cost": cost}
        scores = [one for one in (value, cost) if one is not None]
        if state_of(self._now(claim)) is TrialState.RUNNING:
            for name, one in facts.items():
                if one is not None:
                    self._note(claim, name, one)
        with self._claims():  # so that nobody puts it back meanwhile
            stored = self._now(claim)
            now = state_of(stored)
            if now is TrialState.INTERRUPTED:
                raise lost(claim)
            if now is TrialState.RUNNING:  # else it ended just before the storage went away
                ended = replace(self._read(stored), state=state, finished_at=time.time())
                write_trial(self._home, ended)
                self._study.tell(
                    claim.trial,
                    values=scores if state is TrialState.COMPLETE else None,
                    state={ours: theirs for theirs, ours in STATES.items()}[state],
                )
        claim.drop()

    def _note(self, claim: Claim, name: str, value: object) -> None:
        try:
            self._storage.tables.set_trial_user_attr(claim.trial._trial_id, name, value)
        except optuna.exceptions.UpdateFinishedTrialError:
            raise lost(claim) from None

    def _now(self, claim: Claim) -> FrozenTrial:
        """A trial as it stands in the storage, read alone: all of them would be many."""
        return self._storage.tables.get_trial(claim.trial._trial_id)

    @retried
    def release(self, claim: Claim) -> None:
        """Put a trial back whose training was stopped; a new slot continues it."""
        with self._claims():
            if state_of(self._now(claim)) is TrialState.RUNNING:
                self._requeue(claim.number)
        claim.drop()

    @retried
    def set_aside(self, claim: Claim, evidence: str) -> None:
        """Put a trial back that found no memory beside others; it is tried once more, alone."""
        with self._claims():
            if state_of(self._now(claim)) is TrialState.RUNNING:
                self._storage.tables.set_trial_user_attr(claim.trial._trial_id, DIED, evidence)
                self._requeue(claim.number, alone=True)
        claim.drop()

    @retried
    def requeue_orphans(self, *, grace_s: float = 0.0) -> None:
        """Put every trial back whose worker is gone.

        Args:
            grace_s: How long a trial may be seen without its worker before: a launcher that still
                watches the worker is to say first how it ended.
        """
        with self._claims():
            now = time.monotonic()
            orphans = [trial for trial in self._running() if self._is_orphan(trial)]
            since = {orphan.number: now for orphan in orphans}
            self._orphan_since = since | {
                number: first for number, first in self._orphan_since.items() if number in since
            }
            for orphan in orphans:
                if now - self._orphan_since[orphan.number] >= grace_s:
                    self._put_back(orphan.number)

    @retried
    def requeue_trials_of(
        self, worker: str, *, evidence: str | None = None, is_gone: bool = True
    ) -> None:
        """Put back what a worker held that has ended; a trial that it died alone of has failed.

        Args:
            worker: Its name, wherever it was.
            evidence: What counts against the trial that it trained.
            is_gone: Whether its process is known to be gone; if not, its lock or heartbeat decides.
        """
        with self._claims():
            held = [trial for trial in self._running() if _name_of_worker(trial) == worker]
            held.sort(key=lambda trial: trial.datetime_start or datetime.min)
            if held and evidence is not None:  # those before it are of a former worker of this name
                self._storage.tables.set_trial_user_attr(held[-1]._trial_id, DIED, evidence)
            for trial in held:
                if self._is_orphan(trial, worker if is_gone else None):
                    self._put_back(trial.number)

    @retried
    def n_set_aside(self) -> int:
        """How many trials wait to be tried alone, once nothing else is left."""
        return sum(map(is_set_aside, self._trials()))

    @retried
    def take_up_set_aside(self) -> None:
        """Let the first trial that is set aside be claimed next; no worker may be there by now."""
        with self._claims():
            trial = next(filter(is_set_aside, self._trials()), None)
            if trial is not None:
                self._mark_alone(trial, Alone.TAKEN_UP)

    def _mark_alone(self, trial: FrozenTrial, alone: Alone) -> None:
        self._storage.tables.set_trial_user_attr(trial._trial_id, ALONE, alone.value)

    def _running(self) -> list[FrozenTrial]:
        return [trial for trial in self._trials() if trial.state is OptunaState.RUNNING]

    def _put_back(self, number: int) -> None:
        """Requeue a trial whose worker is gone, or end it as failed; the claims lock is held."""
        trials = self._trials()
        if has_died_alone(self._home, trials, number):
            reason = reason_of(deaths_of(self._home, trials, number))
            self._storage.tables.set_trial_user_attr(trials[number]._trial_id, "reason", reason)
            self._fail(number)
        else:
            self._requeue(number)

    def _is_orphan(self, one: FrozenTrial, gone: str | None = None) -> bool:
        """Whether nobody trains a running trial; the claims lock is held.

        `gone` is a worker that is known to have ended.

        Where no machine is stored, its claim was cut off, and the claimer has let go of the lock.
        """
        attrs, by = one.user_attrs, one.user_attrs.get("by", {})
        if by.get("machine", machine()) == machine():
            try:
                with FileLock(self._lock_file(one.number), timeout=0):
                    return True
            except Timeout:
                return False
        if gone is not None and _name_of_worker(one) == gone:
            return True
        return self._watch.is_silent(one.number, attrs.get("n_heartbeats", 0), self.retry.n_outages)

    def _requeue(self, number: int, *, alone: bool = False) -> None:
        """Safe to be cut off and repeated: the new slot is made first, and made once."""
        trials = self._trials()
        cut = trials[number]
        if not any(one.user_attrs.get("continues") == number for one in trials):
            attrs: dict[str, Any] = {"continues": number}
            attrs["seed"] = seed_of(self._config, number, cut.user_attrs)
            if alone or is_not_for_others(self._home, trials, number):
                attrs[ALONE] = Alone.SET_ASIDE.value
                if ALONE not in cut.user_attrs:
                    deaths = ", ".join(deaths_of(self._home, trials, number))
                    _log.warning(
                        f"trial_{number}: workers died of it ({deaths}); it is tried once more at "
                        "the end, with no other worker beside it"
                    )
            params = {**cut.system_attrs.get("fixed_params", {}), **cut.params}
            self._study.enqueue_trial(params, user_attrs=attrs)
        home = self._home.trial(number)
        home.record.unlink(missing_ok=True)  # it was about to end
        for half_written in home.path.glob(PARTIAL):
            half_written.unlink(missing_ok=True)
        self._give_up(cut._trial_id, number)

    def _fail(self, number: int) -> None:
        one = self._read(self._trials()[number])
        write_trial(self._home, replace(one, state=TrialState.FAILED, finished_at=time.time()))
        self._study.tell(number, state=OptunaState.FAIL)

    def _give_up(self, trial_id: int, number: int) -> None:
        """End a trial that counts towards no budget."""
        self._storage.tables.set_trial_user_attr(trial_id, "interrupted", True)
        self._study.tell(number, state=OptunaState.FAIL)

    def _lock_file(self, number: int) -> Path:
        home = self._home.trial(number)
        home.path.mkdir(parents=True, exist_ok=True)
        return home.lock

    @retried
    def trials(self) -> list[Trial]:
        """All trials, with the curves that lie in the study's home; of ended ones, read once."""
        own = [one for one in self._trials() if not is_hidden(one)]
        found = [self._ended.get(one.number) or self._read(one) for one in own]
        self._ended |= {one.number: one for one in found if one.finished_at is not None}
        return found

    def _read(self, one: FrozenTrial) -> Trial:
        return record_of(self._home, self._config, one)

    def _known_points(self) -> list[Params]:
        """Points that are tried before any is drawn; of a space that can be exhausted, all."""
        base, space = self._config.experiment(), self._config.space
        points: list[Params] = [defaults(base, space), *self._config.study.enqueue]
        return [*points, *(exhaustible_points(self._config) or ())]

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _suggest(self, trial: optuna.Trial) -> dict[str, Scalar]:
        """Draw every range whose condition holds, in the order of the space."""
        base = flatten(dump(self._config.experiment()))
        params: dict[str, Scalar] = {}
        for path, one in self._config.space.items():
            if applies(one, {**base, **params}):
                params[path] = draw(trial, path, one)
        return params


def _name_of_worker(trial: FrozenTrial) -> str | None:
    """Of the worker that holds a running trial, without its place; None in a claim cut off."""
    worker: str | None = trial.user_attrs.get("by", {}).get("worker")
    return worker and worker.partition("@")[0]
