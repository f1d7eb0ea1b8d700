"""What people install: the wheel, the archive of the sources, the steps of the Dockerfile."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
QUIET = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(program, folder, **environment):
    """Run a program that must not fail; return what it prints."""
    inherited = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    ended = subprocess.run(
        program,
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{program}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    return ended.stdout


def lend_packages(environment: Path) -> None:
    """Give an environment what is installed here, but for this package itself."""
    (packages,) = environment.glob("lib/python3.*/site-packages")
    places = [place for place in sys.path if "site-packages" in place]
    (packages / "beside.pth").write_text("\n".join(places))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """What git would hand out, so that no build output of this checkout is in it."""
    folder = tmp_path_factory.mktemp("sources")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def distributions(sources, tmp_path_factory):
    """The archive of the sources, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(sources),
    ]
    run(command, sources)
    return sorted(folder.iterdir())


def test_an_index_takes_them(distributions, tmp_path):
    kinds = [path.name.removeprefix(f"emotion_hpo-{PROJECT['version']}") for path in distributions]
    assert kinds == ["-py3-none-any.whl", ".tar.gz"], "no compiler is needed: pure Python"
    said = run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions)], tmp_path
    )
    assert said.count("PASSED") == 2


def test_the_wheel_works_in_an_empty_folder(distributions, tmp_path):
    """Its own configuration, and a folder of the user's beside it."""
    run([sys.executable, "-m", "venv", "environment"], tmp_path)
    lend_packages(tmp_path / "environment")
    bin_ = tmp_path / "environment" / "bin"
    run([bin_ / "pip", "install", "--quiet", distributions[0]], tmp_path, **QUIET)
    work = tmp_path / "work"
    (work / "mine" / "study").mkdir(parents=True)
    preset = yaml.safe_load((ROOT / "conf/study/smoke.yaml").read_text("utf-8"))
    preset["study"] |= {"n_trials": 1, "question": "Is mine read?", "confirm_leaders": 0}
    preset["training"] |= {"epochs": 1}
    header = "# @package _global_\n"
    (work / "mine/study/mine.yaml").write_text(header + yaml.safe_dump(preset, sort_keys=False))
    program = str(bin_ / "emotion-hpo")
    composed = run([program, "search", "study=smoke", "--cfg", "job"], work)
    assert yaml.safe_load(composed)["study"]["question"] == "Does everything work?"
    options = [
        "study=mine",
        "study.name=mine",
        "corpus.scale=0.02",
        "launcher.n_workers=1",
        "tracking=none",
    ]
    run([program, "search", "--config-dir", "mine", *options], work)
    summary = json.loads((work / "studies/mine/search.json").read_text("utf-8"))
    assert summary["n_finished"] == 1
    facts = run([program, "doctor"], work)
    assert f"emotion_hpo     {PROJECT['version']}".split() in [
        line.split() for line in facts.splitlines()
    ]
    assert str(tmp_path / "environment") in facts, "its configuration is the wheel's own"


#: Needed by Hydra, which an index has as sources alone: they are Python.
SOURCES_ALONE = "antlr4-python3-runtime"

#: Python → extras that compile there: PocketSphinx 5.1 has no wheel for it (docs/transcription.md).
COMPILED = {"3.12": {"transcribe"}}

PYTHONS = [
    line.rpartition(" ")[2] for line in PROJECT["classifiers"] if line.startswith("Programming")
]


@pytest.fixture(scope="module")
def wheels(distributions, tmp_path_factory):
    """A folder of what no index has as a wheel, built where a compiler would fail."""
    if os.environ.get("EMOTION_HPO_INDEX") != "1":
        pytest.skip("it asks the package index for minutes: make test-wheels")
    folder = tmp_path_factory.mktemp("wheels")
    shutil.copy(distributions[0], folder)
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    (pin,) = [pin for pin in pins if pin.startswith(f"{SOURCES_ALONE}==")]
    program = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-binary", SOURCES_ALONE]
    run([*program, pin], folder, **{**os.environ, "CC": "false", "CXX": "false"})
    assert len([*folder.glob("antlr4*-py3-none-any.whl")]) == 1
    return folder


@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_has_a_wheel(python, wheels, tmp_path):
    """At its pinned version, for each Python that we name: nobody needs a compiler."""
    extras = set(PROJECT["optional-dependencies"]) - {"dev"} - COMPILED.get(python, set())
    (wheel,) = wheels.glob("emotion_hpo-*.whl")
    run(
        [
            sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed",
            "--only-binary=:all:", "--python-version", python, "--target", str(tmp_path / "none"),
            "--find-links", str(wheels), "--constraint", str(ROOT / "constraints.txt"),
            "--report", str(tmp_path / "report.json"), f"{wheel}[{','.join(sorted(extras))}]",
        ],
        tmp_path,
        **os.environ,
    )  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    names = {each["metadata"]["name"].lower() for each in report["install"]}
    assert {"emotion-hpo", "torch", "gradio", "ray"} <= names


def steps() -> list[tuple[str, str]]:
    """Instruction and argument of each step of the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line]


def test_the_container_is_pinned_and_runs_without_rights():
    listed = steps()
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", dict(listed)["FROM"])
    kinds = [kind for kind, _ in listed]
    assert kinds.index("USER") < kinds.index("COPY")
    assert kinds.count("USER") == 1
    assert dict(listed)["USER"] == "hpo"
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "studies/*"} <= set(ignored)


#: A study of seconds, for the container's commands.
TINY = (
    "corpus.scale=0.02 training.epochs=1 study.n_trials=1 study.confirm_leaders=0 "
    "launcher.n_workers=1 tracking=none"
)


def test_the_steps_of_the_container_make_its_commands_work(sources, tmp_path):
    """As they stand there, but for what needs a daemon or a network; then what it documents."""
    folder = tmp_path / "emotion_hpo"
    shutil.copytree(sources, folder)
    listed = steps()
    after_copy = listed[[kind for kind, _ in listed].index("COPY") + 1 :]
    first, second = (line for kind, line in after_copy if kind == "RUN")
    run(["bash", "-ec", first], folder, TORCH_INDEX="")
    lend_packages(folder / ".venv")
    run(["bash", "-ec", second], folder, PIP_NO_BUILD_ISOLATION="0", **QUIET)
    (command,) = [json.loads(line) for kind, line in listed if kind == "CMD"]
    assert "make search" in run(command, folder)
    text = (ROOT / "Dockerfile").read_text("utf-8")
    search, final = re.findall(r"docker run .* emotion_hpo (make \w+)$", text, re.MULTILINE)
    named = ["NAME=box"]
    run([*search.split(), "STUDY=smoke", *named, f"ARGS={TINY}"], folder)
    said = run([*final.split(), *named], folder)
    assert "Session 5, 22 utterances" in said
    (result,) = folder.glob("studies/box/final/*/result.json")
    assert json.loads(result.read_text("utf-8"))["study"] == "box"
