"""Shows a running study to its tracker, off the path of the search.

A thread opens the tracker and writes to it, for MLflow takes seconds to import and to make its
tables, and a server may be slow, hang or be down. The search goes on and ends without it: it is
logged once, and `emotion-hpo sync` or the next run of the study fills in what is missing, because a
tracker looks before it writes.
"""

import logging
import threading
import time
from collections.abc import Callable

from emotion_hpo.errors import TrackingError
from emotion_hpo.runtime.formatting import format_duration
from emotion_hpo.study import Trial
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.tracking.protocol import Tracker

_log = logging.getLogger(__name__)

#: Between two writings: people look at curves every few seconds at most.
_INTERVAL_S = 3.0

#: At the end of a search a person waits for its last writing: MLflow on a file needs seconds.
_LAST_S = 60.0

_LATER = "The search goes on; `emotion-hpo sync` fills in what is missing."


class BackgroundTracker:
    """A tracker behind a thread.

    Args:
        open_tracker: Makes the tracker; called in the thread, again after a failure.
    """

    def __init__(self, open_tracker: Callable[[], Tracker]) -> None:
        self._open = open_tracker
        self._tracker: Tracker | None = None
        self._writing: threading.Thread | None = None
        self._written_at = float("-inf")
        self._has_warned = False

    def show(self, trials: list[Trial]) -> None:
        """Write these trials soon, unless something is being written now."""
        is_busy = self._writing is not None and self._writing.is_alive()
        if not is_busy and time.monotonic() - self._written_at >= _INTERVAL_S:
            self._written_at = time.monotonic()
            self._start(trials, None)

    def finish(self, trials: list[Trial], summary: SearchSummary) -> None:
        """Write these trials and the summary; return when it is done, or takes too long."""
        end = time.monotonic() + _LAST_S
        if self._wait(end):
            self._start(trials, summary)
        if not self._wait(end):
            self._warn(f"MLflow has not answered for {format_duration(_LAST_S)}.")

    def _start(self, trials: list[Trial], summary: SearchSummary | None) -> None:
        # A daemon: a server that never answers must not keep the process from ending.
        self._writing = threading.Thread(
            target=self._write, args=(trials, summary), name="mirror", daemon=True
        )
        self._writing.start()

    def _wait(self, end: float) -> bool:
        """Wait until nothing is being written, or until `end`; return whether that is so."""
        if self._writing is not None:
            self._writing.join(max(0.0, end - time.monotonic()))
        return self._writing is None or not self._writing.is_alive()

    def _write(self, trials: list[Trial], summary: SearchSummary | None) -> None:
        try:
            if self._tracker is None:
                self._tracker = self._open()
            self._tracker.mirror(trials)
            if summary is not None:
                self._tracker.close(summary)
        except TrackingError as error:
            self._tracker = None
            self._warn(f"{error}.")

    def _warn(self, line: str) -> None:
        if not self._has_warned:
            _log.warning(f"{line} {_LATER}")
        self._has_warned = True
