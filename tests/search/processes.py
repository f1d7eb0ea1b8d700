"""`emotion-hpo search` as a process of its own, to be interrupted and killed."""

import json
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from emotion_hpo.study import StudyHome
from tests.forking import ForkedProcess, run_command
from tests.pipeline import SMALL, compose_config


def is_worker(process: psutil.Process, home: StudyHome) -> bool:
    """Whether a process is a worker of a study, and not the server that forks them."""
    with suppress(psutil.Error):
        return process.name().startswith("worker_") and is_of(process, home)
    return False


def is_of(process: psutil.Process, home: StudyHome) -> bool:
    """Whether a process trains for a study, or forks those that do: it is named so, or logs so."""
    with suppress(psutil.Error, OSError):
        line = process.cmdline()
        output = Path(f"/proc/{process.pid}/fd/1").readlink()
        is_named = "emotion_hpo.search.worker" in line and str(home.path) in line
        return is_named or output.is_relative_to(home.path.resolve())
    return False


def processes_of(home: StudyHome) -> list[psutil.Process]:
    """Every worker of a study, and every server of its workers."""
    return [process for process in psutil.process_iter() if is_of(process, home)]


class Command:
    """`emotion-hpo search`, or another command, as a process of its own."""

    def __init__(self, home, *overrides, name="search"):
        arguments = [*SMALL, f"study.directory={home.directory}", f"study.name={home.name}"]
        self._folder = Path(tempfile.mkdtemp(prefix="command", dir=home.directory.parent))
        with self._output.open("wb") as output, self._error.open("wb") as error:
            self.process = ForkedProcess(
                run_command, [name, *arguments, *overrides], output=output, error=error
            )

    @property
    def _output(self):
        return self._folder / "stdout"

    @property
    def _error(self):
        return self._folder / "stderr"

    def wait(self, seconds=180):
        """Wait for its end; return its status and what it printed."""
        status = self.process.wait(timeout=seconds)
        self.process.stdin.close()
        return status, self._output.read_text(), self._error.read_text()

    def wait_while(self, progress, seconds):
        """Wait for the end as long as what `progress()` returns changes within so many seconds."""
        while True:
            before = progress()
            try:
                return self.wait(seconds)
            except subprocess.TimeoutExpired:
                if progress() == before:
                    raise

    @staticmethod
    def home(directory, features, *overrides):
        """Home and configuration of a study in a new folder with prepared features."""
        (directory / "features").symlink_to(features)
        where = (f"study.directory={directory}", "study.name=study")
        return StudyHome(directory, "study"), compose_config(*SMALL, *where, *overrides)

    @staticmethod
    def is_spent(home, n_trials):
        """Whether the last search met its budget."""
        return (
            home.summary.exists() and json.loads(home.summary.read_text())["n_finished"] == n_trials
        )
