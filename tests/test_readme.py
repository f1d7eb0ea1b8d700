"""What README.md and CONTRIBUTING.md name exists: targets, commands, choices, links."""

import re
from pathlib import Path

import pytest

from emotion_hpo.cli import COMMANDS, conf_folder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = ("README.md", "CONTRIBUTING.md", "studies/README.md")


def code_blocks(text):
    return re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "".join(code_blocks(README))))
    assert named
    assert named <= targets


def test_every_variable_is_one_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    lines = [line for block in code_blocks(README) for line in block.splitlines()]
    used = {
        name
        for line in lines
        if line.startswith("make ")
        for name in re.findall(r"\b([A-Z]+)=", line)
    }
    assert used >= {"BEST", "CORPUS", "ROOT", "ARGS"}
    assert all(f"$({name})" in makefile for name in used)


def test_every_command_exists():
    named = set(re.findall(r"emotion-hpo (\w+)", "".join(code_blocks(README))))
    assert named
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("group", ["study", "corpus", "split", "model", "space", "tracking"])
def test_every_choice_in_the_table_exists(group):
    row = next(line for line in README.splitlines() if line.startswith(f"| `{group}`"))
    for name in re.findall(r"`([\w/]+)`", row.split("|")[2]):
        assert (conf_folder() / group / f"{name}.yaml").is_file(), name


def test_every_room_of_the_code_is_shown():
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    modules = {path.name for path in (ROOT / "emotion_hpo").glob("*.py")} - {"__init__.py"}
    folders = {
        f"{path.name}/"
        for path in (ROOT / "emotion_hpo").iterdir()
        if (path / "__init__.py").exists()
    }
    missing = [name for name in sorted(modules | folders) if f"`{name}`" not in contributing]
    assert not missing
