"""Workers on this machine that start at once: forked from a process that has loaded what all need.

A start from nothing loads libraries for seconds, and each worker then holds them anew. The server
does so once and reads the study; a worker that is forked from it shares what it does not change.
The server is asked through a socket, computes nothing, and starts no thread: a fork copies only the
thread that forks. Server and workers read one pipe whose writing end is the coordinator's: if that
one dies in whatever way, the pipe closes and all of them stop. If the server dies, the coordinator
closes the pipe.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.study import StudyHome
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS, MemoryWatch, WorkerEnd
from emotion_hpo.training.launch.local import WORKER, worker_variables

#: Between two looks for workers that have ended.
_LOOK_S = 0.05

#: Longer than any message: a name, a log's path and a number.
_LONGEST_MESSAGE = 65536


@dataclass
class ForkedProcesses:
    """Up to `n_workers` processes that share this machine's cores, forked from one server."""

    home: StudyHome
    n_workers: int
    _server: "_Server | None" = None
    _names: list[str] = field(default_factory=list)
    _memory: MemoryWatch = field(default_factory=MemoryWatch)

    def start(self, names: Sequence[str]) -> None:
        """Start workers."""
        n_threads = max(1, n_cores() // self.n_workers)
        for name in names:
            log = self.home.worker_log(name)
            log.parent.mkdir(parents=True, exist_ok=True)
            if self._server is None:
                self._server = _Server(self.home, n_threads, log)
            self._server.send({"name": name, "n_threads": n_threads, "log": str(log.resolve())})
            self._names.append(name)

    def ended(self) -> dict[str, WorkerEnd]:
        """Name → how it ended, of each worker that has ended since the last call."""
        return self._ends(0.0)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the workers that have not been seen to end."""
        return tuple(self._names)

    def stop(self) -> None:
        """Ask every worker to end after its running epoch."""
        self._signal(signal.SIGTERM)

    def kill(self) -> tuple[str, ...]:
        """End every worker now, and wait until it is gone."""
        gone = self.running
        if self._server is not None and not self._server.has_loaded():
            self.close()  # nothing is forked yet, and loading takes seconds
            self._names.clear()
        self._signal(signal.SIGKILL)
        while self._names:
            self._ends(_LOOK_S)
        return gone

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None and self._names:
            self._server.send({"signal": int(number)})

    def _ends(self, wait_s: float) -> dict[str, WorkerEnd]:
        """Return the ends that the server has seen; with its own end, that of all who are left."""
        if self._server is None:
            return {}
        statuses = self._server.statuses(wait_s)
        if (status := self._server.poll()) is not None:
            statuses |= self._server.statuses(0.0)  # what it said at last
            statuses |= {name: status for name in self._names if name not in statuses}
            self.close()
        self._names = [name for name in self._names if name not in statuses]
        return {name: self._memory.end_of(status) for name, status in statuses.items()}


class _Server:
    """The coordinator's side of a server: what is said to it, and what it answers.

    Args:
        home: The study's files.
        n_threads: That each of its workers will compute on, which libraries read when they load.
        log: What it prints goes there.
    """

    def __init__(self, home: StudyHome, n_threads: int, log: Path) -> None:
        self._has_loaded = False
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = ["-m", "emotion_hpo.runtime.start", WORKER, str(home.path)]
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *program, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **worker_variables(n_threads)},
            )

    def send(self, message: dict[str, object]) -> None:
        """Say something; a server that has died is seen at the next look."""
        try:
            self._channel.send(json.dumps(message).encode(), socket.MSG_NOSIGNAL)
        except OSError:
            return

    def has_loaded(self) -> bool:
        """Return whether it can fork by now."""
        return self._has_loaded or bool(select.select([self._channel], [], [], 0.0)[0])

    def statuses(self, wait_s: float) -> dict[str, int]:
        """Return name → exit status of the workers that have ended since the last call."""
        statuses: dict[str, int] = {}
        while select.select([self._channel], [], [], wait_s)[0]:
            wait_s = 0.0
            try:
                message = self._channel.recv(_LONGEST_MESSAGE)
            except ConnectionResetError:  # it died before it heard all; what it said comes next
                continue
            if not message:
                self._process.wait()  # its end is closed: it is about to be gone
                break
            self._has_loaded = True
            statuses |= json.loads(message)
        return statuses

    def poll(self) -> int | None:
        """Return the server's own exit status; None while it runs."""
        return self._process.poll()

    def close(self) -> None:
        """End it, and by the pipe whatever was forked from it."""
        self._channel.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()


def serve(channel: socket.socket) -> tuple[str, int]:
    """Fork a worker for each request until the coordinator is gone; return in a worker alone.

    Returns:
        The worker's name, and how many threads it computes on.
    """
    names: dict[int, str] = {}
    _tell(channel, {})  # it has loaded
    while True:
        readable, _, _ = select.select([channel.fileno(), 0], [], [], _LOOK_S if names else None)
        if 0 in readable:
            _leave()
        if channel.fileno() in readable:
            message = channel.recv(_LONGEST_MESSAGE)
            if not message:
                _leave()
            request = json.loads(message)
            if "signal" in request:
                for pid in names:
                    os.kill(pid, request["signal"])  # those that have ended are not waited for yet
            elif (pid := os.fork()) == 0:
                channel.close()
                _become_worker(Path(request["log"]))
                return request["name"], request["n_threads"]
            else:
                names[pid] = request["name"]
        _report_ends(names, channel)


def _report_ends(names: dict[int, str], channel: socket.socket) -> None:
    """Tell the coordinator of the workers that have ended."""
    while names:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _tell(channel, {names.pop(pid): os.waitstatus_to_exitcode(status)})


def _tell(channel: socket.socket, ends: dict[str, int]) -> None:
    """Tell the coordinator which workers have ended."""
    try:
        channel.send(json.dumps(ends).encode(), socket.MSG_NOSIGNAL)
    except OSError:
        _leave()


def _leave() -> NoReturn:
    """End the server without a word: nobody waits for it."""
    os._exit(NO_FAULT_STATUS)


def _become_worker(log: Path) -> None:
    """Give a forked process what one started from nothing has: a session and a log of its own."""
    os.setsid()
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
