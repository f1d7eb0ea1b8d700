"""Shows a running study to its tracker, off the path of the search.

One thread opens the tracker and writes to it, for MLflow takes seconds to import and to make its
tables. Tracking may be slow, locked or down: the search goes on, it is said once, and the next run
of the same study fills in what is missing, because a tracker looks before it writes.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from emotion_hpo import screen
from emotion_hpo.errors import TrackingError
from emotion_hpo.records import Trial
from emotion_hpo.tracking import Tracker

#: Between two writings: people look at curves every few seconds at most.
_INTERVAL_S = 3.0


class Mirror:
    """A tracker behind a thread.

    Args:
        open_tracker: Makes the tracker; called in the thread, again after a failure.
    """

    def __init__(self, open_tracker: Callable[[], Tracker]) -> None:
        self._open = open_tracker
        self._tracker: Tracker | None = None
        self._thread = ThreadPoolExecutor(1, "mirror")
        self._writing: Future[None] | None = None
        self._written_at = 0.0
        self._has_warned = False

    def show(self, trials: list[Trial]) -> None:
        """Write these trials soon, unless something is being written now."""
        is_busy = self._writing is not None and not self._writing.done()
        if not is_busy and time.monotonic() - self._written_at >= _INTERVAL_S:
            self._written_at = time.monotonic()
            self._writing = self._thread.submit(self._write, trials, None)

    def finish(self, trials: list[Trial], summary: Mapping[str, Any]) -> None:
        """Write these trials and the summary, and return when it is done."""
        self._thread.submit(self._write, trials, summary).result()
        self._thread.shutdown()

    def _write(self, trials: list[Trial], summary: Mapping[str, Any] | None) -> None:
        try:
            if self._tracker is None:
                self._tracker = self._open()
            self._tracker.mirror(trials)
            if summary is not None:
                self._tracker.close(summary)
        except TrackingError as error:
            self._tracker = None
            if not self._has_warned:
                screen.note(
                    f"{error}. The search goes on; running it again fills in what is missing."
                )
            self._has_warned = True
