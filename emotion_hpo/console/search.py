"""What a person sees while a search runs: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emotion_hpo.config import SearchConfig
from emotion_hpo.console.output import note, notes_above, open_console
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.formatting import format_duration
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.study.trials import best_of


class SearchScreen:
    """The state of a search: a row a worker, the best so far, the time left."""

    def __init__(self, config: SearchConfig, before: Sequence[Trial], *, synthetic: bool) -> None:
        self._study = config.study.name
        self._objective = config.study.objective
        self._n_trials = config.study.n_trials
        self._epochs = config.training.epochs
        self._words = " on the synthetic twin" if synthetic else ""
        self._began = time.monotonic()
        self._console = open_console(stderr=True)
        self._told = {one.number for one in before if one.state.is_finished}
        self._n_before = len(self._told)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._drawing = ExitStack()

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._drawing.enter_context(self._live)
            self._drawing.enter_context(notes_above(self._console))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        self._drawing.close()

    def show(self, trials: Sequence[Trial], message: str = "") -> None:
        """Draw the state of the study."""
        if self._console.is_terminal:
            self._live.update(self.table(trials, message))
            return
        best = best_of(trials, self._objective)
        ended = [one for one in trials if one.state.is_finished]
        for one in ended:
            if one.number not in self._told:
                self._told.add(one.number)
                note(self._line(one, best) + self._time_left_words(len(ended)))

    def _line(self, one: Trial, best: Trial | None) -> str:
        if one.state is TrialState.FAILED:
            told = f"failed: {one.reason}"
        else:
            longest = max((epoch.epoch for epoch in one.curve), default=0)
            told = f"{one.state} {self._score(one.value)} at epoch {one.best_epoch}/{longest}"
            if len(one.trainings) > 1:
                told += f" (means of {len(one.trainings)} trainings)"
        leader = f"; best {best.name} {self._score(best.value)}" if best else ""
        count = f"[{len(self._told)}/{self._n_trials}]"
        return f"{count} {one.name} {told}, {format_duration(one.seconds)}{leader}"

    def table(self, trials: Sequence[Trial], message: str = "") -> RenderableType:
        """The state of the study as a table, a row a worker."""
        best = best_of(trials, self._objective)
        table = Table(title=f"Study {self._study}{self._words}", title_justify="left")
        for heading in ("worker", "trial"):
            table.add_column(heading)
        for heading in ("epoch", self._objective, "its best"):
            table.add_column(heading, justify="right")
        running = [one for one in trials if one.state is TrialState.RUNNING]
        for one in sorted(running, key=lambda one: one.worker or ""):
            at = one.curve[-1].training if one.curve else 0
            epochs = [epoch for epoch in one.curve if epoch.training == at]
            figures = [epoch.metrics[self._objective] for epoch in epochs]
            choose = max if find_metric(self._objective).sign > 0 else min
            table.add_row(
                one.worker,
                f"{one.name}, training {at + 1}" if at else one.name,
                f"{min(len(epochs) + 1, self._epochs)}/{self._epochs}",
                self._score(figures[-1] if figures else None),
                self._score(choose(figures, default=None)),
            )
        n_ended = sum(one.state.is_finished for one in trials)
        counts = f"{n_ended} of {self._n_trials} trials finished{self._time_left_words(n_ended)}"
        leader = f"best so far: {best.name} {self._score(best.value)}" if best else "no score yet"
        lines = [Text(counts), Text(leader), *([Text(message, "yellow")] if message else [])]
        return Group(table if running else Text(str(table.title)), *lines)

    def _score(self, value: float | None) -> str:
        return format_score(self._objective, value)

    def _time_left_words(self, n_ended: int) -> str:
        """From the pace of this run; silent until there is one."""
        n_here, left = n_ended - self._n_before, self._n_trials - n_ended
        if n_here <= 0 or left <= 0:
            return ""
        pace = (time.monotonic() - self._began) / n_here
        return f", about {format_duration(pace * left)} left"
