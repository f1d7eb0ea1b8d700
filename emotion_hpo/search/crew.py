"""A crew of workers, kept alive until the budget is spent or the user asks for an end.

Nothing here trains or decides about trials. A worker that dies is replaced, and what it held goes
back into the queue; a crew that dies again and again without training an epoch is given up.
"""

import time
from dataclasses import dataclass, field

from emotion_hpo import screen
from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.records import StudyHome, Trial, TrialState
from emotion_hpo.search.launch import LocalLauncher
from emotion_hpo.search.live import SearchScreen
from emotion_hpo.search.mirror import Mirror
from emotion_hpo.search.study import Study

#: Between two looks at the study: a trial takes seconds at least, a look milliseconds.
_LOOK_S = 0.5

#: Workers that die this often, with no epoch trained in between, will not live by a new start.
_MAX_DEATHS = 3

#: If this many first trials all fail, the rest would too.
_FAIL_FAST = 3


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


def is_spent(config: SearchConfig, trials: list[Trial]) -> bool:
    """Whether as many trials have finished as the budget says."""
    return sum(one.state.is_finished for one in trials) >= config.study.n_trials


@dataclass
class Crew:
    """The workers of one stretch of a search, from start to budget or stop."""

    config: SearchConfig
    home: StudyHome
    study: Study
    view: SearchScreen
    mirror: Mirror
    stop: Stop
    _n_deaths: int = 0
    _n_epochs_at_death: int = field(default=-1)
    _ended_before: set[int] = field(default_factory=set)

    def work(self) -> None:
        """Start workers and watch them; again while slots are left, as after a late death.

        Raises:
            StudyError: The workers cannot live, or the first trials all failed.
        """
        self.study.requeue_orphans()
        self.study.open_slots()
        self._ended_before = {one.number for one in self.study.trials() if one.state.is_finished}
        with self.view:
            while not self.stop.politely and not is_spent(self.config, self.study.trials()):
                self._shift()

    def _shift(self) -> None:
        """Start a crew and watch it until its last worker has ended."""
        n_finished = sum(one.state.is_finished for one in self.study.trials())
        n_workers = min(self.config.launcher.n_workers, self.config.study.n_trials - n_finished)
        launcher = LocalLauncher(self.home, n_workers)
        try:
            for index in range(n_workers):
                launcher.start(f"worker_{index}")
            while launcher.running:
                self._obey(launcher)
                trials = self.study.trials()
                self._mend(launcher, trials)
                self._fail_fast(trials)
                self.view.show(trials, self._message())
                self.mirror.show(trials)
                time.sleep(_LOOK_S)
        finally:
            launcher.kill()
            self.study.requeue_orphans()
            self.view.show(self.study.trials())

    def _obey(self, launcher: LocalLauncher) -> None:
        if self.stop.at_once:
            launcher.kill()
        elif self.stop.politely:
            launcher.stop()

    def _mend(self, launcher: LocalLauncher, trials: list[Trial]) -> None:
        """Give back what dead workers held, and start them again."""
        for name, status in launcher.ended().items():
            if status == 0 or self.stop.politely:
                continue
            self.study.requeue_orphans()
            n_epochs = sum(len(one.curve) for one in trials)
            self._n_deaths = 1 if n_epochs > self._n_epochs_at_death else self._n_deaths + 1
            self._n_epochs_at_death = n_epochs
            log = self.home.worker_log(name)
            if self._n_deaths >= _MAX_DEATHS:
                raise StudyError(
                    f"workers died {_MAX_DEATHS} times without training an epoch, {name} last "
                    f"(status {status}); see {log}"
                )
            screen.note(f"{name} died (status {status}, see {log}); it is started again")
            launcher.start(name)

    def _fail_fast(self, trials: list[Trial]) -> None:
        ended = [one for one in trials if one.state.is_finished]
        finished = [one for one in ended if one.number not in self._ended_before]
        if len(finished) >= _FAIL_FAST and all(one.state is TrialState.FAILED for one in finished):
            raise StudyError(
                f"the first {len(finished)} trials failed, the last with: {finished[-1].reason}; "
                f"see {self.home.path / 'workers'}. The same command tries the next ones"
            )

    def _message(self) -> str:
        if self.stop.politely:
            return "stopping after the running epochs; Ctrl-C again stops at once"
        return ""
