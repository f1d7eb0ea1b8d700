"""Progress of long work on standard error: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from emotion_hpo.console.live_screen import LiveScreen
from emotion_hpo.console.output import open_console
from emotion_hpo.features.preparation import OnProgress
from emotion_hpo.runtime.formatting import format_duration

#: A plain log gets a line at most this often while features are prepared.
_PLAIN_INTERVAL_S = 5.0


@contextmanager
def preparing(title: str) -> Iterator[OnProgress]:
    """Show the progress of preparing features while the context lasts.

    A terminal shows at once that something is done, for reading a corpus takes a while before the
    first dialogue; a plain log gets no line if there is nothing to do.
    """
    console = open_console(stderr=True)
    if not console.is_terminal:
        yield _plain_progress(title)
        return
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with LiveScreen() as screen:
        bars = Progress(*columns, console=console)
        task = bars.add_task(title, total=None)
        screen.draw(bars)

        def show(done: int, total: int, what: str) -> None:
            bars.update(task, completed=done, total=total, description=f"{title}: {what}")
            screen.draw(bars)

        yield show


def _plain_progress(title: str) -> OnProgress:
    last = 0.0
    began, first_done = time.monotonic(), -1

    def show(done: int, total: int, what: str) -> None:
        nonlocal last, began, first_done
        now = time.monotonic()
        if first_done < 0:
            began, first_done = now, done
        if done == total or now - last >= _PLAIN_INTERVAL_S:
            last = now
            left_s = (now - began) / max(1, done - first_done) * (total - done)
            left = f", {format_duration(left_s)} left" if first_done < done < total else ""
            print(f"{title}: {what} {done}/{total}{left}", file=sys.stderr, flush=True)  # noqa: T201

    return show
