"""Deaths of workers in a row, and when they are too many for a search to go on.

Two counts. Deaths with evidence (`launch.ends`) say that workers cannot live here: a library that
crashes, an environment that is not there. Bare kills say that somebody ends them before they gain
anything. Both begin anew with an epoch that was trained, wherever it was; the first also with a
trial that ended.
"""

from pathlib import Path

from emotion_hpo.errors import StudyError
from emotion_hpo.search.budget import trained_epochs
from emotion_hpo.search.optuna.deaths import MOST_DEATHS
from emotion_hpo.study import Trial
from emotion_hpo.training.launch import WorkerEnd

#: Bare kills in a row without an epoch: a machine that preempts now and then lets some epoch end.
MOST_BARE_DEATHS = 10

_GOES_ON = "nothing is lost: the same command goes on"


class DeathCount:
    """Deaths without a gain between them.

    Args:
        n_workers: That work beside each other: each may hold a trial that is not to blame alone.
    """

    def __init__(self, n_workers: int) -> None:
        # One more than the trials in hands may cost until all of them are set aside
        self._most_blamed = MOST_DEATHS * n_workers + 1
        self._n_bare = 0
        self._n_blamed = 0
        self._n_epochs = 0
        self._n_ended = 0

    def add(self, name: str, end: WorkerEnd, trials: list[Trial], log: Path) -> None:
        """Count a worker's death.

        Args:
            name: The worker's.
            end: How it ended.
            trials: All of the study's, as they stand after it.
            log: Of the worker.

        Raises:
            StudyError: It was one too many.
        """
        n_epochs = len(trained_epochs(trials))
        n_ended = sum(trial.state.is_finished for trial in trials)
        if n_epochs > self._n_epochs:
            self._n_bare = 0
        if n_epochs > self._n_epochs or n_ended > self._n_ended:
            self._n_blamed = 0
        self._n_epochs, self._n_ended = max(n_epochs, self._n_epochs), n_ended
        last = f"{name} last ({end}); see {log}"
        if end.evidence is None:
            self._n_bare += 1
            if self._n_bare >= MOST_BARE_DEATHS:
                raise StudyError(
                    f"{self._n_bare} workers in a row were ended from outside before an epoch was "
                    f"trained, {last}. Find what ends them (preemption, a memory guard, a limit "
                    f"of time), or set fewer launcher.n_workers; {_GOES_ON}"
                )
            return
        self._n_blamed += 1
        if self._n_blamed >= self._most_blamed:
            raise StudyError(
                f"workers died {self._n_blamed} times without training an epoch, {last}. Mend what "
                f"they died of; {_GOES_ON}"
            )
