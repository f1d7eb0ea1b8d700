"""A pool of workers, kept alive until the budget is spent or the user requests an end.

Nothing here trains or decides about trials. A worker that dies, or whose place is lost, is replaced
while slots are left, and what it held goes back into the queue; a pool that dies again and again
without training an epoch is given up (`deaths.py`). Trials that workers have died of too often come
last, one at a time, with no other worker beside them, whichever pool of this process has it.
"""

import logging
import os
import time
from contextlib import closing
from dataclasses import dataclass, field

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import TrainingsFailed
from emotion_hpo.search.budget import explain_failures, is_spent, n_open
from emotion_hpo.search.deaths import DeathCount
from emotion_hpo.search.observers import Display, TrialTracker, silent_tracker
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.places import Places, open_places
from emotion_hpo.search.stop import Stop
from emotion_hpo.study import StudyHome, Trial, TrialState
from emotion_hpo.training.launch import Launcher, open_launcher

_log = logging.getLogger(__name__)

#: Between two looks at the study: a trial takes seconds at least, a look milliseconds.
_LOOK_S = 0.5

#: Between two looks for trials whose workers are silent: silence takes a minute.
_REAP_S = 5.0

#: A trial that is seen without its worker waits so long for the launcher to say how the worker
#: ended: SLURM is asked every 2 s, and needs some to clear a job up.
_REPORT_S = 15.0

#: After its last trial a worker clears up and ends; one that still waits for a place never starts.
_LEAVING_S = 10.0

#: Before a trial is tried alone the others end, within so long; one that still waits for a place on
#: a full cluster may take it up itself.
_EMPTY_S = 60.0


@dataclass
class WorkerPool:
    """The workers of one stretch of a search or of a batch, from start to budget or stop.

    Attributes:
        config: What is searched, or the batch.
        home: Where its trials are.
        study: Its slots, which are open.
        display: Shows its trials.
        stop: What the user requests.
        n_workers: Beside each other, at most.
        tracker: Mirrors its trials elsewhere.
    """

    config: SearchConfig
    home: StudyHome
    study: Study
    display: Display
    stop: Stop
    n_workers: int
    tracker: TrialTracker = field(default_factory=silent_tracker)
    _deaths: DeathCount = field(init=False)
    _ended_before: set[int] = field(default_factory=set)
    _started: set[str] = field(default_factory=set)
    _reaped_at: float = 0.0
    _quiet_since: float | None = None
    _places: Places = field(default_factory=open_places)
    _n_places: int = 0
    _is_alone: bool = False

    def __post_init__(self) -> None:
        """Begin to count."""
        self._deaths = DeathCount(self.config.launcher.n_workers)

    def work(self) -> None:
        """Keep workers at work until the budget is spent or a stop is requested.

        Raises:
            StudyError: The workers cannot live.
            TrainingsFailed: The first trials all failed, or too many.
        """
        trials = self.study.trials()
        self._ended_before = {trial.number for trial in trials if trial.state.is_finished}
        if is_spent(self.config, trials):
            return
        names = [f"worker_{index}" for index in range(self.n_workers)]
        launcher = open_launcher(
            self.config.launcher, self.home, self.n_workers, _environment(self.config)
        )
        with self.display, closing(launcher):
            try:
                while not self.stop.politely and not is_spent(self.config, trials):
                    self._reap(launcher)
                    self._fill(launcher, names, trials)
                    trials = self._look()
                    self._check_failures(trials)
                self._drain(launcher)
            finally:
                for name in launcher.kill():
                    self.study.requeue_trials_of(name)
                self._give_places_back(launcher)
                self._let_others_in()  # though a cluster may not have answered
                self.study.requeue_orphans()
                self.display.show(self.study.trials())

    def _look(self) -> list[Trial]:
        """Wait a little, and show what has become of the trials."""
        time.sleep(_LOOK_S)
        if time.monotonic() - self._reaped_at >= _REAP_S:
            self._reaped_at = time.monotonic()
            self.study.requeue_orphans(grace_s=_REPORT_S)
        trials = self.study.trials()
        self.display.show(trials, self._message())
        self.tracker.show(trials)
        return trials

    def _fill(self, launcher: Launcher, names: list[str], trials: list[Trial]) -> None:
        """Start workers for the trials that nobody has in hands."""
        n_set_aside = self.study.n_set_aside()
        n_ready = n_open(self.config, trials) - n_set_aside
        n_running = sum(trial.state is TrialState.RUNNING for trial in trials)
        is_last = n_set_aside and n_ready <= 0 and not n_running
        if is_last and self._is_empty(launcher) and self._keep_others_out():
            self.study.take_up_set_aside()
            self._quiet_since = None
            n_ready = 1
        free = [name for name in names if name not in launcher.running]
        n_idle = len(launcher.running) - n_running
        n_missing = min(len(free), n_ready - max(0, n_idle))
        n_places = self._places.take(n_missing, is_alone=self._is_alone)
        self._n_places += n_places
        if starting := free[:n_places]:
            if again := sorted(self._started & set(starting)):
                _log.warning(f"{' and '.join(again)}: started again")
            self._started |= set(starting)
            launcher.start(starting)

    def _is_empty(self, launcher: Launcher) -> bool:
        """Return whether all workers have ended, or had the time to: others wait for a place."""
        now = time.monotonic()
        if self._quiet_since is None:
            self._quiet_since = now
        return not launcher.running or now - self._quiet_since >= _EMPTY_S

    def _keep_others_out(self) -> bool:
        """Close the places to other pools, once none of them has any; return whether they are."""
        self._is_alone = self._is_alone or self._places.close(self._n_places)
        return self._is_alone

    def _let_others_in(self) -> None:
        """Open the places again, if this pool has closed them."""
        if self._is_alone:
            self._is_alone = False
            self._places.open()

    def _drain(self, launcher: Launcher) -> None:
        """Let the workers end: at once if they have nothing left, else after their epoch."""
        since = time.monotonic()
        while launcher.running and not self.stop.at_once:
            if self.stop.politely:
                launcher.stop()
            elif time.monotonic() - since >= _LEAVING_S:
                return
            launcher.ended()
            self._give_places_back(launcher)
            self._look()

    def _reap(self, launcher: Launcher) -> None:
        """Give back what dead workers held."""
        ends = launcher.ended()
        self._give_places_back(launcher)
        for name, end in ends.items():
            if end.is_orderly:
                continue
            self.study.requeue_trials_of(name, evidence=end.evidence, is_gone=end.is_gone)
            log = self.home.worker_log(name)
            self._deaths.add(name, end, self.study.trials(), log)
            _log.warning(f"{name} died ({end}, see {log})")

    def _give_places_back(self, launcher: Launcher) -> None:
        """Let other pools have the places of workers that have ended."""
        n_over = self._n_places - len(launcher.running)
        self._n_places -= n_over
        self._places.give_back(n_over)
        if not launcher.running:
            self._let_others_in()

    def _check_failures(self, trials: list[Trial]) -> None:
        """Stop if the first trials all failed, or as many as a user sets a limit at."""
        failures = explain_failures(self.config.study, trials, self._ended_before)
        if failures is not None:
            goes_on = "tries them again" if self.home.is_batch else "tries the next ones"
            raise TrainingsFailed(
                f"{failures}; see {self.home.path / 'workers'}. The same command {goes_on}"
            )

    def _message(self) -> str:
        if self.stop.politely:
            return "stopping after the running epochs; Ctrl-C again stops at once"
        return ""


def _environment(config: SearchConfig) -> dict[str, str]:
    """Return what workers elsewhere need beside the study's home: the way to the storage."""
    if config.storage.name != "postgresql" or config.storage.url_file is not None:
        return {}
    name = config.storage.url_variable
    return {name: os.environ[name]}
