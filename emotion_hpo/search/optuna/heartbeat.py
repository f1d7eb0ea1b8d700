"""Signs of life of the trials in hand, and who is believed dead.

A worker holds a lock on its trial's folder. On its own machine that lock is the truth: the kernel
frees it the moment the worker is gone, and nobody needs to wait. Across machines a lock may not be
seen, or be freed late; there a *heartbeat* counts: while a worker holds a trial, a thread of it
counts up a number in the storage. Whoever watches compares no clocks: a trial is silent once its
number has not changed for `SILENCE_S` of the watcher's own time. While the storage is away nobody
can count up; the watching begins anew when it is back.

A worker that was taken for dead and is not (a machine that slept, a network that was cut) finds its
trial interrupted when it next reports, and lets go of it; the trial that continues it has a number
and a folder of its own, so that nothing is mixed.
"""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import optuna
from sqlalchemy.exc import SQLAlchemyError

#: Between two beats: seldom enough for a server with hundreds of workers.
BEAT_S = 10.0

#: Six missed beats: a storage that is slow for half a minute is none.
SILENCE_S = 60.0


@cache
def machine() -> str:
    """Return an id of the running kernel: who shares it, shares locks."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else f"{uuid.getnode():x}"


class Heartbeat:
    """Beats in a thread of its own until it is stopped or its process ends."""

    def __init__(self, beat: Callable[[int], None]) -> None:
        self._beat = beat
        self._is_over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Beat no more."""
        self._is_over.set()

    def _run(self) -> None:
        n_heartbeats = 0
        while not self._is_over.wait(BEAT_S):
            n_heartbeats += 1
            # A storage that is away is waited for by the worker itself, who also finds out when it
            # next reports that the storage has no such trial any more (Optuna's KeyError).
            with suppress(SQLAlchemyError, optuna.exceptions.OptunaError, KeyError):
                self._beat(n_heartbeats)


class HeartbeatMonitor:
    """What a watcher has seen of the heartbeats of trials."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[int, tuple[int, float]] = {}
        self._n_outages = 0

    def is_silent(self, number: int, n_heartbeats: int, n_outages: int) -> bool:
        """Return whether a trial's number of beats has stood still for too long.

        Args:
            number: The trial's.
            n_heartbeats: As it stands now.
            n_outages: How often the storage has been away: after each the watching begins anew.
        """
        if n_outages != self._n_outages:
            self._seen.clear()
            self._n_outages = n_outages
        now = self._clock()
        known, since = self._seen.get(number, (-1, now))
        if known != n_heartbeats:
            self._seen[number] = (n_heartbeats, now)
            return False
        return now - since >= SILENCE_S
