"""A study in Optuna's storage, as searches see it. No other package imports optuna.

`Study` promises: no trial is claimed twice, the number of finished trials is exactly the budget,
and what is cut off is continued. How it is done stands beside it: slots and the budget (`slots`),
claiming (`claim`), reports and ends (`ending`), putting back what was cut off (`requeue`). Every
call waits for a storage that is away (`retry`).
"""

import logging
from collections.abc import Callable, Mapping, Sequence

import optuna

from emotion_hpo.config import SearchConfig
from emotion_hpo.search.optuna import requeue, slots
from emotion_hpo.search.optuna.claim import claim_next
from emotion_hpo.search.optuna.claimed import Claim, ClaimLost
from emotion_hpo.search.optuna.connection import Connection
from emotion_hpo.search.optuna.deaths import MOST_DEATHS
from emotion_hpo.search.optuna.ending import Ending, end_trial, report_step, report_steps
from emotion_hpo.search.optuna.frozen import to_trial
from emotion_hpo.search.optuna.jobs import open_jobs, trials_by_job
from emotion_hpo.search.optuna.retry import StorageAway, StorageRetry, retried
from emotion_hpo.search.prior_trial import PriorTrial
from emotion_hpo.study import StudyHome, Training, Trial, TrialState
from emotion_hpo.training.job import IsStored, Job

optuna.logging.set_verbosity(optuna.logging.WARNING)
logging.getLogger("optuna").propagate = False

__all__ = ["MOST_DEATHS", "Claim", "ClaimLost", "StorageAway", "Study"]


class Study:
    """A study: slots, claims, ends, and what becomes of trials whose workers are gone.

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
        self.retry = StorageRetry(gives_up, is_expected=is_expected)
        self._connection = Connection(home, config, n_trainings)
        self._orphan_watch = requeue.OrphanWatch(self._connection, self.retry)
        self._ended: dict[int, Trial] = {}

    @retried
    def open_slots(self, prior_trials: Sequence[PriorTrial] = ()) -> None:
        """Enqueue the points that are tried before any is drawn, as far as the budget goes.

        What was taken up to be tried alone, and not begun, is set aside again: others come first.

        Args:
            prior_trials: What another study has learnt, for the sampler alone.
        """
        slots.open_slots(self._connection, prior_trials)

    @retried
    def open_jobs(self, jobs: Sequence[Job], is_stored: IsStored) -> None:
        """Let the jobs of a batch wait, as far as nothing is stored of them, and no others."""
        open_jobs(self._connection, jobs, is_stored)

    @retried
    def trials_by_job(self) -> Mapping[str, Trial]:
        """Return the name of each job → its latest life."""
        return trials_by_job(self._connection)

    @retried
    def claim(self, worker: str, n_threads: int = 1, commit: str | None = None) -> Claim | None:
        """Take the next trial, or None if the budget is spent or in other workers' hands.

        If the storage goes away on the way, what was taken is left to be put back as an orphan.
        """
        return claim_next(self._connection, worker, n_threads, commit)

    @retried
    def report(self, claim: Claim, step: int, value: float) -> bool:
        """Store a step's value (`pruning.steps`); True if the pruner would end the trial here.

        The default configuration is never pruned: every winner is held against it.

        Raises:
            ClaimLost: The trial is another's by now.
        """
        return report_step(self._connection, claim, step, value)

    @retried
    def report_previous_steps(self, claim: Claim, values: Mapping[int, float]) -> None:
        """Store the steps that the trial's former life has gone already."""
        report_steps(self._connection, claim, values)

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
        ending = Ending(state, value, best_epoch, reason, trainings, cost)
        end_trial(self._connection, claim, ending)

    @retried
    def release(self, claim: Claim) -> None:
        """Put a trial back whose training was stopped; a new slot continues it."""
        requeue.release(self._connection, claim)

    @retried
    def set_aside(self, claim: Claim, evidence: str) -> None:
        """Put a trial back that found no memory beside others; it is tried once more, alone."""
        requeue.release(self._connection, claim, evidence=evidence)

    @retried
    def requeue_orphans(self, *, grace_s: float = 0.0) -> None:
        """Put every trial back whose worker is gone.

        Args:
            grace_s: How long a trial may be seen without its worker before: a launcher that still
                watches the worker is to say first how it ended.
        """
        self._orphan_watch.requeue_orphans(grace_s)

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
        self._orphan_watch.requeue_trials_of(worker, evidence=evidence, is_gone=is_gone)

    @retried
    def n_set_aside(self) -> int:
        """Return how many trials wait to be tried alone, once nothing else is left."""
        return slots.count_set_aside(self._connection)

    @retried
    def take_up_set_aside(self) -> None:
        """Let the first trial that is set aside be claimed next; no worker may be there by now."""
        slots.take_up_set_aside(self._connection)

    @retried
    def trials(self) -> list[Trial]:
        """Return all trials with the curves that lie in the study's home; ended ones, read once."""
        home, config = self._connection.home, self._connection.config
        trials = [
            self._ended.get(stored.number) or to_trial(home, config, stored)
            for stored in self._connection.visible_trials()
        ]
        self._ended |= {trial.number: trial for trial in trials if trial.finished_at is not None}
        return trials
