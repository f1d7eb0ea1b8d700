"""The state of a search: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from emotion_hpo.config import SearchConfig
from emotion_hpo.config.auto import resolved
from emotion_hpo.console.live_screen import LiveScreen
from emotion_hpo.console.output import note, open_console
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.formatting import format_duration
from emotion_hpo.study import StudyHome, Trial, TrialState, study_file
from emotion_hpo.study.trials import best_of
from emotion_hpo.training.learner import n_epochs


class SearchScreen(LiveScreen):
    """Shows a search while it runs: a row a worker, the best trial so far, the time left."""

    def __init__(self, config: SearchConfig, before: Sequence[Trial], *, synthetic: bool) -> None:
        super().__init__()
        self._study = config.study.name
        self._objective = config.study.objective
        self._n_trials = config.study.n_trials
        self._home = StudyHome(config.study.directory, config.study.name)
        self._usual_epochs = resolved(config.training.epochs)
        self._epochs: dict[int, int] = {}
        self._mark = " on the synthetic twin" if synthetic else ""
        self._began = time.monotonic()
        self._printed = {trial.number for trial in before if trial.state.is_finished}
        self._n_before = len(self._printed)

    def show(self, trials: Sequence[Trial], message: str = "") -> None:
        """Draw the state of the study."""
        if self.is_live:
            self.draw(self.table(trials, message))
            return
        best = best_of(trials, self._objective)
        ended = [trial for trial in trials if trial.state.is_finished]
        for trial in ended:
            if trial.number not in self._printed:
                self._printed.add(trial.number)
                note(self._format_line(trial, best) + self._format_time_left(len(ended)))

    def _format_line(self, trial: Trial, best: Trial | None) -> str:
        """Return the line of a plain log on a trial that has ended."""
        if trial.state is TrialState.FAILED:
            outcome = f"failed: {trial.reason}"
        else:
            longest = max((epoch.epoch for epoch in trial.curve), default=0)
            value = self._format_score(trial.value)
            outcome = f"{trial.state} {value} at epoch {trial.best_epoch} of {longest} trained"
            if len(trial.trainings) > 1:
                outcome += f" (means of {len(trial.trainings)} trainings)"
        leader = f"; best {best.name} {self._format_score(best.value)}" if best else ""
        count = f"[{len(self._printed)}/{self._n_trials}]"
        return f"{count} {trial.name} {outcome}, {format_duration(trial.seconds)}{leader}"

    def table(self, trials: Sequence[Trial], message: str = "") -> RenderableType:
        """Return the state of the study as a table, a row a worker."""
        best = best_of(trials, self._objective)
        table = Table(title=f"Study {self._study}{self._mark}", title_justify="left")
        for heading in ("worker", "trial"):
            table.add_column(heading)
        for heading in ("epoch", self._objective, "its best"):
            table.add_column(heading, justify="right")
        running = [trial for trial in trials if trial.state is TrialState.RUNNING]
        for trial in sorted(running, key=lambda trial: trial.worker or ""):
            training = trial.curve[-1].training if trial.curve else 0
            epochs = [epoch for epoch in trial.curve if epoch.training == training]
            values = [epoch.metrics[self._objective] for epoch in epochs]
            choose = max if find_metric(self._objective).sign > 0 else min
            most = self._most_epochs(trial)
            table.add_row(
                trial.worker,
                f"{trial.name}, training {training + 1}" if training else trial.name,
                f"{min(len(epochs) + 1, most)}/{most}",
                self._format_score(values[-1] if values else None),
                self._format_score(choose(values, default=None)),
            )
        n_ended = sum(trial.state.is_finished for trial in trials)
        counts = f"{n_ended} of {self._n_trials} trials finished{self._format_time_left(n_ended)}"
        leader = "no score yet"
        if best:
            leader = f"best so far: {best.name} {self._format_score(best.value)}"
        lines = [Text(counts), Text(leader), *([Text(message, "yellow")] if message else [])]
        return Group(table if running else Text(str(table.title)), *lines)

    def _most_epochs(self, trial: Trial) -> int:
        """Return the epochs that a trial may take: its own, for a space may draw them."""
        if trial.number not in self._epochs:
            try:
                config = study_file.trial_config(self._home, trial.number)
            except StudyError:  # it has only just begun
                return self._usual_epochs
            self._epochs[trial.number] = n_epochs(config)
        return self._epochs[trial.number]

    def _format_score(self, value: float | None) -> str:
        return format_score(self._objective, value)

    def _format_time_left(self, n_ended: int) -> str:
        """Return the time left at the pace of this run; nothing before its first end."""
        n_new, n_left = n_ended - self._n_before, self._n_trials - n_ended
        if n_new <= 0 or n_left <= 0:
            return ""
        seconds_a_trial = (time.monotonic() - self._began) / n_new
        return f", about {format_duration(seconds_a_trial * n_left)} left"


def show_status(config: SearchConfig, trials: Sequence[Trial], *, synthetic: bool) -> None:
    """Print the state of a search once."""
    screen = SearchScreen(config, trials, synthetic=synthetic)
    open_console().print(screen.table(trials))
