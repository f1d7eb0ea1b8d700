"""`emotion-hpo search` as a process of its own, to be interrupted and killed."""

import json
import subprocess
import sys
from contextlib import suppress

import psutil

from emotion_hpo.study import StudyHome
from tests.pipeline import SMALL, compose_config


def is_worker(process: psutil.Process, home: StudyHome) -> bool:
    """Whether a process is a worker of a study, and not the server that forks them."""
    with suppress(psutil.Error):
        line = process.cmdline()
        is_ours = "emotion_hpo.search.worker" in line and str(home.path) in line
        return is_ours and process.name().startswith("worker_")
    return False


class Command:
    """`emotion-hpo search`, or another command, as a process of its own."""

    def __init__(self, home, *overrides, name="search"):
        arguments = [*SMALL, f"study.directory={home.directory}", f"study.name={home.name}"]
        program = "from emotion_hpo.cli.app import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, name, *arguments, *overrides],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait(self, seconds=180):
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err

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
