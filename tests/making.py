"""What `make` would run, and what the command line makes of it: nothing is started."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import BaseModel

from emotion_hpo.cli import app
from emotion_hpo.config import build
from emotion_hpo.config.search import SearchConfig
from emotion_hpo.search.space import check_params, check_space

ROOT = Path(__file__).parents[1]


def made_lines(line: str, folder: Path, **environment: str) -> list[str]:
    """What `make …` would run, in a checkout whose environment stands."""
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "constraints.txt").touch()
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / "weights.txt").touch()
    (folder / ".venv").mkdir(exist_ok=True)
    for mark in (".runtime", ".dev", ".demo", ".minilm"):
        (folder / ".venv" / mark).touch()
    command, *arguments = shlex.split(line, comments=True)
    assert command == "make"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    ended = subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{line}: {ended.stderr}"
    return ended.stdout.splitlines()


def made_call(line: str, folder: Path, **environment: str) -> list[str]:
    """The arguments of `emotion-hpo` that `make …` would run, as a shell hands them over."""
    (call,) = made_lines(line, folder, **environment)
    program, *arguments = shlex.split(call)
    assert program == ".venv/bin/emotion-hpo"
    return arguments


@pytest.fixture
def built(emotion_hpo, monkeypatch):
    """Compose and build what a command line says, without running it: `built("search", …)`."""
    configs: list[BaseModel] = []

    def judge(command, composition):
        config = build(command.load_model(), composition.plain)
        if isinstance(config, SearchConfig):
            check_space(config.experiment(), config.space)
            for params in config.study.enqueue:
                check_params(config.experiment(), config.space, params)
        configs.append(config)

    monkeypatch.setattr(app, "execute", judge)

    def build_from(*arguments):
        configs.clear()
        ended = emotion_hpo(*arguments)
        assert (ended.status, ended.stderr) == (0, ""), f"{arguments}: {ended.stderr}"
        return configs[0] if configs else None

    return build_from
