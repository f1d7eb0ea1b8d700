"""Fixtures of all tests; those of the later rooms come from `pipeline.py`."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest_plugins = ["tests.pipeline"]


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
    from hydra.core.global_hydra import GlobalHydra

    from emotion_hpo import cli

    environment = dict(os.environ)

    def run(*arguments: str) -> Ended:
        GlobalHydra.instance().clear()
        monkeypatch.setattr("sys.argv", ["emotion-hpo", *arguments])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Ended(status, *capsys.readouterr())

    yield run
    GlobalHydra.instance().clear()
    os.environ.clear()  # the command line tells Hydra by it how to raise, and what was typed
    os.environ.update(environment)
