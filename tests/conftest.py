"""Fixtures of all tests; those of the later rooms come from `pipeline.py`."""

import gc
import logging
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, event

from emotion_hpo.runtime.start import collect_seldom

# Before the plugins load the libraries, whose million objects are none of them garbage.
collect_seldom()

pytest_plugins = ["tests.pipeline", "tests.spending"]

# Read when torch is loaded: tests run beside each other, and on tiny networks the threads of each
# would spend their time waiting for those of the others.
os.environ["OMP_NUM_THREADS"] = "1"

# As the command line sets it: the threads of a worker process that wait for each other would spin,
# for three times as long as they compute.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# As workers start: a process with a thread of pyarrow's allocator is none to fork others from.
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"

# What joblib takes for the number of cores: tests run beside each other, and to start a second
# process that reads a corpus takes longer than to read a small one.
os.environ["LOKY_MAX_CPU_COUNT"] = "1"


# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


#: What `search/test_faults.py` draws its kills from: others each time, unless it is set.
KILL_SEED = "EMOTION_HPO_KILL_SEED"


#: Files of tests that take longest, longest first: what starts last is what all others wait for.
LONGEST = (
    "tests/cluster/test_ray.py",
    "tests/cluster/test_slurm.py",
    "tests/search/test_faults.py",
    "tests/search/test_coordinator.py",
    "tests/test_browser.py",
    "tests/cluster/test_mlflow_server.py",
    "tests/cluster/test_postgresql.py",
    "tests/test_ship.py",
    "tests/cluster/test_launchers.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed in the process that starts all others, which inherit it."""
    os.environ.setdefault(KILL_SEED, str(secrets.randbelow(1_000_000)))
    if not hasattr(config, "workerinput"):
        _move_temporary_files()


def _move_temporary_files() -> None:
    """Let temporary files end with the tests, even those of processes that were killed."""
    usual = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="hpo"))  # of few letters: paths of sockets are short
    folder.chmod(0o711)  # PostgreSQL's user reaches what is in it
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", usual)  # pytest keeps the folders of three runs
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # After this process has taken its own away, which lie there
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=-1000)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first."""
    ranks = {file: rank for rank, file in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], len(ranks)))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from what has been imported, which is never garbage."""
    gc.freeze()


def pytest_report_header() -> str:
    """Print the seed, so that the same kills can be drawn again."""
    return f"kills are drawn from {KILL_SEED}={os.environ[KILL_SEED]}"


@event.listens_for(Engine, "connect")
def _wait_for_no_disk(connection: object, _record: object) -> None:
    """Tests kill processes, but none pulls the plug: a third of their time was spent waiting."""
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.DatabaseError):  # a test may have broken the file
            connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(autouse=True)
def _logs_as_at_the_start() -> Iterator[None]:
    """A command that runs in this process prints what is logged; the next test starts without."""
    yield
    logger = logging.getLogger("emotion_hpo")
    logger.handlers.clear()
    logger.propagate = True
    for name in logging.root.manager.loggerDict:
        if name.startswith("emotion_hpo"):
            logging.getLogger(name).disabled = False


@pytest.fixture(scope="session", autouse=True)
def _files_wait_for_no_disk() -> Iterator[None]:
    """Nor do our own files: a report's test waited for the disk as long as it computed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _file: None)
        yield


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def emotion_hpo(
    isolated: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., Ended]]:
    """Run a command line in this process: `emotion_hpo("search", "study=smoke")`."""
    from emotion_hpo.cli import app as cli

    environment = dict(os.environ)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["emotion-hpo", *arguments])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Ended(status, *capsys.readouterr())

    yield run
    os.environ.clear()  # the command line tells Hydra by it how to raise, and what was typed
    os.environ.update(environment)
