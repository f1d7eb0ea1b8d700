"""The study in Optuna's storage: slots, claims, reports, ends. No other package imports optuna.

The budget is kept in *slots*: trials enqueued without parameters. A worker claims the lowest
waiting slot under a file lock and draws its parameters there; so no slot is claimed twice, none too
many is made, and a trial's sampler stream depends on the study's seed and the trial's number alone,
not on which worker asked or how often it was restarted.

A trial that was cut off keeps its number as INTERRUPTED and counts towards no budget; a new slot
with the same parameters and seed continues it.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import optuna
from filelock import BaseFileLock, FileLock, Timeout
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from emotion_hpo.config import ExperimentConfig, Scalar, SearchConfig, dump, flatten
from emotion_hpo.config.search import GridSampler
from emotion_hpo.records import PARTIAL, StudyHome, Trial, TrialState, sign_of
from emotion_hpo.search.space import Params, applies, configured, defaults, grid_points
from emotion_hpo.search.study.proposals import draw, pruner, sampler
from emotion_hpo.search.study.storage import open_sqlite
from emotion_hpo.seeds import derive
from emotion_hpo.trials import write_trial

optuna.logging.set_verbosity(optuna.logging.WARNING)
logging.getLogger("optuna").propagate = False

_STATES = {
    OptunaState.WAITING: TrialState.WAITING,
    OptunaState.RUNNING: TrialState.RUNNING,
    OptunaState.COMPLETE: TrialState.COMPLETE,
    OptunaState.PRUNED: TrialState.PRUNED,
    OptunaState.FAIL: TrialState.FAILED,
}


@dataclass(frozen=True)
class Claim:
    """A trial in a worker's hands.

    Attributes:
        number: The trial's number.
        config: What to train.
        seed: Of the training.
        former_lives: Interrupted trials that this one continues, the latest first.
        trial: Optuna's handle.
        lock: Held as long as the trial is trained: a dead worker's is free.
    """

    number: int
    config: ExperimentConfig
    seed: int
    former_lives: tuple[int, ...]
    trial: optuna.Trial
    lock: BaseFileLock


class Study:
    """One study: a thin layer over Optuna that keeps the promises above."""

    def __init__(self, home: StudyHome, config: SearchConfig) -> None:
        self._home = home
        self._config = config
        self._claims = FileLock(home.claims)

    @cached_property
    def _storage(self) -> optuna.storages.BaseStorage:
        return open_sqlite(self._home)

    @cached_property
    def _study(self) -> optuna.Study:
        return optuna.create_study(
            storage=self._storage,
            study_name=self._home.name,
            direction="maximize" if sign_of(self._config.study.objective) > 0 else "minimize",
            pruner=pruner(self._config),
            load_if_exists=True,
        )

    def open_slots(self) -> None:
        """Top the slots up to the budget: the default configuration first, then the known ones."""
        with self._claims:
            trials = self._trials()
            made = {one.user_attrs.get("known") for one in trials}
            n_open = self._config.study.n_trials - sum(
                _state(one) is not TrialState.INTERRUPTED for one in trials
            )
            known = [(i, one) for i, one in enumerate(self._known_points()) if i not in made]
            for index, params in known[: max(n_open, 0)]:
                self._study.enqueue_trial(dict(params), user_attrs={"known": index})
            for _ in range(n_open - len(known)):
                self._study.enqueue_trial({})

    def claim(self, worker: str, n_threads: int = 1) -> Claim | None:
        """Take the next slot, or None if the budget is spent or in other workers' hands."""
        with self._claims:
            trials = self._trials()
            waiting = [one for one in trials if _state(one) is TrialState.WAITING]
            taken = sum(
                _state(one).is_finished or _state(one) is TrialState.RUNNING for one in trials
            )
            if not waiting or taken >= self._config.study.n_trials:
                return None
            number = min(one.number for one in waiting)
            self._study.sampler = sampler(self._config, number)
            lock = FileLock(self._lock_file(number))
            lock.acquire(timeout=0)
            trial = self._study.ask()
            assert trial.number == number, "slots are claimed in order, under one lock"
            trial.set_user_attr("worker", worker)
            trial.set_user_attr("n_threads", n_threads)
            seed = trial.user_attrs.get("seed")
            if seed is None:
                seed = derive(self._config.study.seed, "training", number)
                trial.set_user_attr("seed", seed)
            params = self._suggest(trial)
        config = configured(self._config.experiment(), params)
        return Claim(number, config, seed, _former_lives(trials, number), trial, lock)

    def report(self, claim: Claim, epoch: int, value: float) -> bool:
        """Store an epoch's objective; True if the pruner would stop the trial here."""
        claim.trial.report(value, epoch)
        return claim.trial.should_prune()

    def retell(self, claim: Claim, values: Mapping[int, float]) -> None:
        """Store the epochs that the trial's former life has trained already."""
        for epoch, value in values.items():
            claim.trial.report(value, epoch)

    def end(
        self,
        claim: Claim,
        state: TrialState,
        value: float | None,
        best_epoch: int | None,
        reason: str | None = None,
    ) -> None:
        """End a trial as complete, pruned or failed."""
        for name, one in {"value": value, "best_epoch": best_epoch, "reason": reason}.items():
            if one is not None:
                claim.trial.set_user_attr(name, one)
        ended = self._record(self._trials()[claim.number])
        write_trial(self._home, replace(ended, state=state, finished_at=time.time()))
        optuna_state = {ours: theirs for theirs, ours in _STATES.items()}[state]
        self._study.tell(
            claim.trial.number,
            values=value if state is TrialState.COMPLETE else None,
            state=optuna_state,
        )
        claim.lock.release()

    def release(self, claim: Claim) -> None:
        """Put a trial back whose training was stopped; a new slot continues it."""
        with self._claims:
            self._requeue(claim.number)
        claim.lock.release()

    def requeue_orphans(self) -> None:
        """Put every trial back whose worker is gone: it is running, and nobody holds its lock."""
        with self._claims:
            for one in self._trials():
                if one.state is OptunaState.RUNNING and self._is_orphan(one.number):
                    self._requeue(one.number)

    def _is_orphan(self, number: int) -> bool:
        try:
            with FileLock(self._lock_file(number), timeout=0):
                return True
        except Timeout:
            return False

    def _requeue(self, number: int) -> None:
        """Safe to be cut off and repeated: the new slot is made first, and made once."""
        trials = self._trials()
        cut = trials[number]
        if not any(one.user_attrs.get("continues") == number for one in trials):
            attrs = {"continues": number, "seed": cut.user_attrs.get("seed")}
            params = {**cut.system_attrs.get("fixed_params", {}), **cut.params}
            self._study.enqueue_trial(params, user_attrs=attrs)
        home = self._home.trial(number)
        home.record.unlink(missing_ok=True)  # it was about to end
        for half_written in home.path.glob(PARTIAL):
            half_written.unlink(missing_ok=True)
        self._storage.set_trial_user_attr(cut._trial_id, "interrupted", True)
        self._study.tell(number, state=OptunaState.FAIL)

    def _lock_file(self, number: int) -> Path:
        home = self._home.trial(number)
        home.path.mkdir(parents=True, exist_ok=True)
        return home.lock

    def trials(self) -> list[Trial]:
        """All trials, with the curves that lie in the study's home."""
        return [self._record(one) for one in self._trials()]

    def _known_points(self) -> list[Params]:
        """Points that are tried before any is drawn; of a grid, all."""
        base, space = self._config.experiment(), self._config.space
        points: list[Params] = [defaults(base, space), *self._config.study.enqueue]
        if isinstance(self._config.sampler, GridSampler):
            points += grid_points(space, self._config.sampler.points, self._config.study.seed)
        return points

    def _record(self, one: FrozenTrial) -> Trial:
        attrs = one.user_attrs
        return Trial(
            number=one.number,
            state=_state(one),
            params=one.params,
            value=attrs.get("value"),
            best_epoch=attrs.get("best_epoch"),
            curve=self._home.trial(one.number).read_curve(),
            worker=attrs.get("worker"),
            reason=attrs.get("reason"),
            continues=attrs.get("continues"),
            seed=attrs.get("seed"),
            n_threads=attrs.get("n_threads"),
            started_at=one.datetime_start.timestamp() if one.datetime_start else None,
            finished_at=one.datetime_complete.timestamp() if one.datetime_complete else None,
        )

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


def _state(one: FrozenTrial) -> TrialState:
    if one.user_attrs.get("interrupted") and one.state is not OptunaState.WAITING:
        return TrialState.INTERRUPTED
    return _STATES[one.state]


def _former_lives(trials: list[FrozenTrial], number: int) -> tuple[int, ...]:
    lives: list[int] = []
    while (number := trials[number].user_attrs.get("continues", -1)) >= 0:
        lives.append(number)
    return tuple(lives)
