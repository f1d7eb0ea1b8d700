"""Jobs while they are trained: a live table on a terminal, plain lines elsewhere, their cost."""

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from types import TracebackType

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from emotion_hpo.console.live_screen import LiveScreen
from emotion_hpo.console.output import note
from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.runtime.formatting import format_count, format_duration
from emotion_hpo.study import Epoch, Trial, TrialState
from emotion_hpo.training.job import Job
from emotion_hpo.training.learner import n_epochs


class BatchScreen(LiveScreen):
    """Shows a batch of jobs: a row a worker, then how long all took and how many cores were busy.

    Args:
        title: What is done, such as `Retraining`.
        jobs: All that are needed, trained or not.
        is_local: Whether the workers share this machine.
    """

    def __init__(self, title: str, jobs: Sequence[Job], *, is_local: bool) -> None:
        super().__init__()
        self._title = title
        self._epochs = {job.name: job.epochs or n_epochs(job.config) for job in jobs}
        self._is_local = is_local
        self._began = time.time()
        self._trials: Sequence[Trial] = ()
        self._printed: set[int] | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing, and say what was spent."""
        super().__exit__(kind, error, trace)
        by_worker = _epochs_by_worker(self._trials, self._began)
        if by_worker and kind is None:
            cores = f" of {n_cores()}" if self._is_local else ""
            note(
                f"{self._title}: {self._count(self._trials)} trained after "
                f"{format_duration(time.time() - self._began)}; "
                f"{busy_cores(by_worker):.1f}{cores} cores busy while training"
            )

    def show(self, trials: Sequence[Trial], message: str = "") -> None:
        """Draw where the jobs stand."""
        self._trials = [trial for trial in trials if trial.job in self._epochs]
        ended = [trial for trial in self._trials if trial.state.is_finished]
        before, self._printed = self._printed, {trial.number for trial in ended}
        if self.is_live:
            self.draw(self.table(message))
            return
        shown = [trial for trial in ended if before is None or trial.number in before]
        for trial in sorted(ended, key=lambda trial: trial.finished_at or 0.0):
            if trial not in shown:
                shown.append(trial)
                count = self._count(shown)
                note(f"{self._title}: {count} {trial.job} {self._format_end(trial)}")

    def table(self, message: str = "") -> RenderableType:
        """Return the jobs that are trained now, a row a worker."""
        table = Table(title=self._title, title_justify="left")
        for heading in ("worker", "training"):
            table.add_column(heading)
        table.add_column("epoch", justify="right")
        running = [trial for trial in self._trials if trial.state is TrialState.RUNNING]
        for trial in sorted(running, key=lambda trial: trial.worker or ""):
            assert trial.job is not None, "only a batch's trials are shown"
            training = trial.curve[-1].training if trial.curve else 0
            n_trained = sum(epoch.training == training for epoch in trial.curve)
            epochs = self._epochs[trial.job]
            table.add_row(trial.worker, trial.job, f"{min(n_trained + 1, epochs)}/{epochs}")
        lines = [
            Text(f"{self._count(self._trials)} trained"),
            *([Text(message, "yellow")] if message else []),
        ]
        return Group(table if running else Text(self._title), *lines)

    def _count(self, trials: Sequence[Trial]) -> str:
        names = {trial.job for trial in trials if trial.state is TrialState.COMPLETE}
        return f"{len(names)} of {len(self._epochs)}"

    @staticmethod
    def _format_end(trial: Trial) -> str:
        if trial.state is TrialState.COMPLETE:
            epochs = format_count(len(trial.curve), "epoch")
            return f"trained, {epochs} in {format_duration(trial.seconds)}"
        return f"{trial.state}: {trial.reason}"


def busy_cores(by_worker: Iterable[Sequence[Epoch]]) -> float:
    """Return how many cores were busy, on average, from the first epoch's start to the last's end.

    Args:
        by_worker: Epochs of each worker, in the order of their ends. What it computes between two
            of them counts, too: it stores what the one left, and reads what the next job is on.

    >>> first = Epoch(1, {}, seconds=2.0, finished_at=2.0, usage={"cpu_cores": 1.0})
    >>> busy_cores([[first], [Epoch(1, {}, 3.0, 4.0, usage={"cpu_cores": 1.0})]])
    1.25
    """
    by_worker = [list(epochs) for epochs in by_worker]
    epochs = [epoch for of_worker in by_worker for epoch in of_worker]
    wall_s = max(epoch.finished_at for epoch in epochs) - min(map(_start_of, epochs))
    between_s = sum(_busy_between(*pair) for of_worker in by_worker for pair in pairwise(of_worker))
    return (sum(map(_busy_in, epochs)) + between_s) / max(wall_s, 1e-9)


def _epochs_by_worker(trials: Iterable[Trial], since: float) -> list[list[Epoch]]:
    """Return the epochs that ended later, each once: a trial's later lives repeat its former."""
    epochs: dict[tuple[str | None, int, int], tuple[str | None, Epoch]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        for epoch in trial.curve:
            if epoch.finished_at > since:
                epochs.setdefault((trial.job, epoch.training, epoch.epoch), (trial.worker, epoch))
    by_worker: dict[str | None, list[Epoch]] = {}
    for worker, epoch in sorted(epochs.values(), key=lambda pair: pair[1].finished_at):
        by_worker.setdefault(worker, []).append(epoch)
    return list(by_worker.values())


def _start_of(epoch: Epoch) -> float:
    return epoch.finished_at - epoch.seconds


def _busy_in(epoch: Epoch) -> float:
    return epoch.seconds * epoch.usage.get("cpu_cores", 1.0)


def _busy_between(former: Epoch, latter: Epoch) -> float:
    """Return the seconds of a core between two epochs; at most all of one: a process may be new."""
    totals = [epoch.usage.get("cpu_seconds", 0.0) for epoch in (former, latter)]
    computed_s = totals[1] - totals[0] - _busy_in(latter)
    return max(0.0, min(computed_s, _start_of(latter) - former.finished_at))
