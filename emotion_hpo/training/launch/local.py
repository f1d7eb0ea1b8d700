"""Worker processes on this machine, each started from nothing: started, watched, stopped.

So start the workers of other machines, and all where processes are not forked (`forked.py`).

A worker runs in a session of its own, so that Ctrl-C in the terminal reaches the coordinator alone,
which then decides. It holds the reading end of a pipe whose writing end is ours: if we die in
whatever way, the pipe closes and the worker stops.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.study import StudyHome
from emotion_hpo.training.launch.ends import MemoryWatch, WorkerEnd

#: The program of a worker.
WORKER = "emotion_hpo.search.worker"


def worker_variables(n_threads: int) -> dict[str, str]:
    """Return what libraries read when they are loaded: how many threads they may start.

    The allocator of pyarrow would have one, though nothing is left to it (`worker_process`).
    """
    counts = {name: str(n_threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return {**counts, "JE_ARROW_MALLOC_CONF": "background_thread:false"}


def start_process(
    home: StudyHome,
    name: str,
    n_threads: int,
    place: str = "",
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start one worker here; what it prints is kept in the study's home.

    Args:
        home: The study's files.
        name: Of its log.
        n_threads: That it computes on.
        place: What the study is told beside its name, such as `@node7`.
        environment: Variables that it finds beside ours.
    """
    log = home.worker_log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    program = ["-m", "emotion_hpo.runtime.start", WORKER]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *program, str(home.path), f"{name}{place}", str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **worker_variables(n_threads), **(environment or {})},
        )


@dataclass
class LocalProcesses:
    """Up to `n_workers` processes that share this machine's cores."""

    home: StudyHome
    n_workers: int
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _memory: MemoryWatch = field(default_factory=MemoryWatch)

    def start(self, names: Sequence[str]) -> None:
        """Start workers."""
        for name in names:
            n_threads = max(1, n_cores() // self.n_workers)
            self._processes[name] = start_process(self.home, name, n_threads)

    def ended(self) -> dict[str, WorkerEnd]:
        """Name → how it ended, of each worker that has ended since the last call."""
        statuses = {name: process.poll() for name, process in self._processes.items()}
        over = {name: status for name, status in statuses.items() if status is not None}
        for name in over:
            self._forget(name)
        return {name: self._memory.end_of(status) for name, status in over.items()}

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the workers that have not been seen to end."""
        return tuple(self._processes)

    def stop(self) -> None:
        """Ask every worker to end after its running epoch."""
        self._signal(signal.SIGTERM)

    def kill(self) -> tuple[str, ...]:
        """End every worker now, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        gone = self.running
        for name in gone:
            self._processes[name].wait()
            self._forget(name)
        return gone

    def close(self) -> None:
        """Nothing is held but the workers."""

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(number)

    def _forget(self, name: str) -> None:
        process = self._processes.pop(name)
        if process.stdin is not None:
            process.stdin.close()
