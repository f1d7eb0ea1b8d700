"""A crew of workers, kept alive until the budget is spent or the user asks for an end.

Nothing here trains or decides about trials. A worker that dies, or whose place is lost, is replaced
while slots are left, and what it held goes back into the queue; a crew that dies again and again
without training an epoch is given up.
"""

import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from emotion_hpo import screen
from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.records import StudyHome, Trial, TrialState
from emotion_hpo.search.budget import FAIL_FAST, is_spent, n_open, trained
from emotion_hpo.search.launch import Launcher, open_launcher
from emotion_hpo.search.live import SearchScreen
from emotion_hpo.search.mirror import Mirror
from emotion_hpo.search.study import MOST_DEATHS, Study
from emotion_hpo.search.warm_start import Lesson

#: Between two looks at the study: a trial takes seconds at least, a look milliseconds.
_LOOK_S = 0.5

#: Between two looks for trials whose workers are silent: silence takes a minute.
_REAP_S = 5.0

#: After its last trial a worker clears up and ends; one that still waits for a place never starts.
_LEAVING_S = 10.0

#: Workers that die this often, with no epoch trained in between, will not live by a new start. One
#: death more than a single trial may cost: after it another one is tried.
_MAX_DEATHS = MOST_DEATHS + 1


@dataclass
class Stop:
    """What the user asked for by Ctrl-C or SIGTERM: first politely, then at once."""

    n_asked: int = 0

    @property
    def politely(self) -> bool:
        """Whether the running epochs are to be the last."""
        return self.n_asked >= 1

    @property
    def at_once(self) -> bool:
        """Whether nothing is to be waited for."""
        return self.n_asked >= 2


@dataclass
class Crew:
    """The workers of one stretch of a search, from start to budget or stop."""

    config: SearchConfig
    home: StudyHome
    study: Study
    view: SearchScreen
    mirror: Mirror
    stop: Stop
    lessons: Sequence[Lesson] = ()
    _n_deaths: int = 0
    _n_epochs_at_death: int = field(default=-1)
    _ended_before: set[int] = field(default_factory=set)
    _started: set[str] = field(default_factory=set)
    _reaped_at: float = 0.0

    def work(self) -> None:
        """Keep workers at work until the budget is spent or a stop is asked for.

        Raises:
            StudyError: The workers cannot live, or the first trials all failed.
        """
        self.study.requeue_orphans()
        self.study.open_slots(self.lessons)
        trials = self.study.trials()
        self._ended_before = {one.number for one in trials if one.state.is_finished}
        if is_spent(self.config, trials):
            return
        n_workers = min(self.config.launcher.n_workers, n_open(self.config, trials) or 1)
        names = [f"worker_{index}" for index in range(n_workers)]
        launcher = open_launcher(
            self.config.launcher, self.home, n_workers, _environment(self.config)
        )
        with self.view, closing(launcher):
            try:
                while not self.stop.politely and not is_spent(self.config, trials):
                    self._mend(launcher, trials)
                    self._staff(launcher, names, trials)
                    trials = self._look()
                    self._check_failures(trials)
                self._see_off(launcher)
            finally:
                for name in launcher.kill():
                    self.study.requeue_orphans(name)
                self.study.requeue_orphans()
                self.view.show(self.study.trials())

    def _look(self) -> list[Trial]:
        """Wait a little, and show what has become of the trials."""
        time.sleep(_LOOK_S)
        if time.monotonic() - self._reaped_at >= _REAP_S:
            self._reaped_at = time.monotonic()
            self.study.requeue_orphans(died=True)
        trials = self.study.trials()
        self.view.show(trials, self._message())
        self.mirror.show(trials)
        return trials

    def _staff(self, launcher: Launcher, names: list[str], trials: list[Trial]) -> None:
        """Start workers for the trials that nobody has in hands."""
        free = [name for name in names if name not in launcher.running]
        n_idle = len(launcher.running) - sum(one.state is TrialState.RUNNING for one in trials)
        if starting := free[: max(0, n_open(self.config, trials) - max(0, n_idle))]:
            if again := sorted(self._started & set(starting)):
                screen.note(f"{' and '.join(again)}: started again")
            self._started |= set(starting)
            launcher.start(starting)

    def _see_off(self, launcher: Launcher) -> None:
        """Let the workers end: at once if they have nothing left, else after their epoch."""
        since = time.monotonic()
        while launcher.running and not self.stop.at_once:
            if self.stop.politely:
                launcher.stop()
            elif time.monotonic() - since >= _LEAVING_S:
                return
            launcher.ended()
            self._look()

    def _mend(self, launcher: Launcher, trials: list[Trial]) -> None:
        """Give back what dead workers held."""
        for name, status in launcher.ended().items():
            if status == 0:
                continue
            self.study.requeue_orphans(None if status is None else name, died=status is not None)
            n_epochs = len(trained(trials))
            self._n_deaths = 1 if n_epochs > self._n_epochs_at_death else self._n_deaths + 1
            self._n_epochs_at_death = n_epochs
            log = self.home.worker_log(name)
            told = "place lost" if status is None else f"status {status}"
            if self._n_deaths >= _MAX_DEATHS:
                raise StudyError(
                    f"workers died {_MAX_DEATHS} times without training an epoch, {name} last "
                    f"({told}); see {log}"
                )
            screen.note(f"{name} died ({told}, see {log})")

    def _check_failures(self, trials: list[Trial]) -> None:
        """Stop if the first trials all failed, or more than a user accepts."""
        ended = [one for one in trials if one.state.is_finished]
        finished = [one for one in ended if one.number not in self._ended_before]
        failed = [one for one in finished if one.state is TrialState.FAILED]
        most = self.config.study.max_failures
        if len(failed) == len(finished) >= FAIL_FAST:
            told = f"the first {len(failed)} trials failed"
        elif most is not None and len(failed) >= most:
            told = f"{len(failed)} of {len(finished)} trials failed (study.max_failures={most})"
        else:
            return
        raise StudyError(
            f"{told}, the last with: {failed[-1].reason}; see {self.home.path / 'workers'}. The "
            "same command tries the next ones"
        )

    def _message(self) -> str:
        if self.stop.politely:
            return "stopping after the running epochs; Ctrl-C again stops at once"
        return ""


def _environment(config: SearchConfig) -> dict[str, str]:
    """What workers elsewhere need beside the study's home: the way to the storage."""
    if config.storage.name != "postgresql" or config.storage.url_file is not None:
        return {}
    name = config.storage.url_variable
    return {name: os.environ[name]}
