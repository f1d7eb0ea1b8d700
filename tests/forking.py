"""Processes that need not load libraries for seconds: forked from one that has, a pytest process.

Python's own fork server is that process. What a forked process is given is what an interpreter of
its own would be: environment, working directory, standard streams, a session, an exit status.
"""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

#: What commands and workers load; `__main__` is pytest's, which each process would load anew.
PRELOADED = (
    "__main__",
    "pytest",
    "emotion_hpo.search.worker",
    "emotion_hpo.cli.search",
    "mlflow",
    "hydra",
    # What these load when it is needed first
    "emotion_hpo.cli.composition",
    "emotion_hpo.cli.final",
    "emotion_hpo.console.search",
    "emotion_hpo.final.scoring",
    "emotion_hpo.models.baseline",
    "emotion_hpo.report",
    "emotion_hpo.search.coordinator",
    "emotion_hpo.tracking.tracker",
    "emotion_hpo.training.classical_learner",
    "hydra._internal.hydra",
    "alembic.command",
    "optuna.storages._rdb.storage",
    "scipy.stats",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.orm",
    "torch.onnx",
    "tests.frozen",
)

#: The interpreter that a process is started with: another stands for a program of a test.
INTERPRETER = sys.executable


class ForkedProcess:
    """What `subprocess.Popen` has of a process, of one that is forked from the fork server.

    Args:
        target: What it runs, a function of a module that is cheap to load, and its arguments.
        output: Its standard output.
        error: Its standard error.
        environment: Its variables; those that libraries read when they load come too late.
    """

    def __init__(
        self, target: Callable[..., None], *arguments: Any, output: IO[Any], error: IO[Any],
        environment: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        reading, writing = os.pipe()
        self.stdin = os.fdopen(writing, "wb")
        copies = (os.dup(stream.fileno()) for stream in (output, error))
        streams = [Connection(descriptor) for descriptor in (reading, *copies)]
        variables = dict(os.environ if environment is None else environment)
        program = functools.partial(_run, target, arguments, streams, variables)
        self._process: BaseProcess = fork_server().Process(target=program, daemon=True)
        self._process.start()
        for stream in streams:
            stream.close()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit status."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("a forked process", timeout)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def run_command(arguments: list[str]) -> None:
    """Run `emotion-hpo ARGUMENTS`, whose workers are forked too."""
    from emotion_hpo.cli.app import main
    from emotion_hpo.training.launch import forked, local

    forked.subprocess = local.subprocess = fork_workers()
    sys.argv = ["emotion-hpo", *arguments]
    main()


def fork_workers() -> SimpleNamespace:
    """Return what stands for `subprocess` where workers and their servers start: it forks them."""
    return SimpleNamespace(PIPE=subprocess.PIPE, Popen=_start)


def _start(program: list[str], **how: Any) -> Any:
    """Fork a worker, or a server of workers, as `training/launch/` starts it from nothing."""
    if program[0] != INTERPRETER:
        return subprocess.Popen(program, **how)
    sockets = how.get("pass_fds", [])
    channels = [Connection(os.dup(socket)) for socket in sockets]
    arguments = program[3 : len(program) - len(sockets)]  # their numbers come last
    process = ForkedProcess(
        _work,
        arguments,
        channels,
        output=how["stdout"],
        error=how["stderr"],
        environment=how["env"],
    )
    for channel in channels:
        channel.close()
    return process


def _work(arguments: list[str], channels: list[Connection]) -> None:
    """Be a worker, or a server of workers and a worker where it forks one."""
    from emotion_hpo.runtime import start

    sys.argv = ["start", *arguments, *(str(os.dup(channel.fileno())) for channel in channels)]
    for channel in channels:
        channel.close()
    start.main()


def _run(
    target: Callable[..., None], arguments: tuple[Any, ...], streams: list[Connection],
    environment: dict[str, str],
) -> None:  # fmt: skip
    """Run what was asked for, in the forked process."""
    multiprocessing.current_process()._config["daemon"] = False  # it may have children,
    forkserver._forkserver.ensure_running = lambda: None  # of the server that it is forked from
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


@functools.cache
def fork_server() -> Any:
    """Return the context of Python's fork server, which starts with the first process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # of `tests.frozen`
        forkserver._forkserver.ensure_running()
    return context
