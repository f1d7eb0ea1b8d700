"""What README.md and its neighbours tell people to type works, and what they name exists.

Every line of their shell blocks is run as far as that is cheap: `make` says what it would run, and
what it would run is composed and built, so that a key or a choice that is not there is found.
"""

import re
import runpy
import shlex
import tomllib

import pytest

from emotion_hpo.cli.conf_folder import conf_folder
from tests.making import ROOT, built, made_call, made_lines

__all__ = ["built"]

README = (ROOT / "README.md").read_text()
DOCS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = ("README.md", "CONTRIBUTING.md", "studies/README.md", "examples/README.md", *DOCS)


def shell_lines(page: str) -> list[str]:
    """What a page tells people to type."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line]


LINES = [(page, line) for page in PAGES for line in shell_lines(page)]

#: Targets that start other programs than ours.
WORKSHOP = {
    "test",
    "check",
    "format",
    "bench",
    "clean",
    "help",
    "coverage",
    "test-faults",
    "test-cluster",
    "test-wheels",
    "docs",
}


@pytest.mark.parametrize(("page", "line"), LINES)
def test_every_line_can_be_typed(built, tmp_path, page, line):
    program, first, *rest = shlex.split(line, comments=True)
    match program.removeprefix(".venv/bin/"):
        case "make" if first in WORKSHOP:
            assert made_lines(line, tmp_path)
        case "make":
            assert built(*made_call(line, tmp_path)) is not None
        case "emotion-hpo":
            assert (built(first, *rest) is None) == ("--help" in rest)
        case "python" if first == "-m":
            assert rest[0] in {"build", "twine"}, "tests/test_ship.py runs them"
        case "bash" | "python":
            assert (ROOT / first).is_file()
        case "curl":
            assert rest[0] == "127.0.0.1:5001/invocations", "tests/test_serving.py types it"
        case "pip" if "-r" in rest:
            assert (ROOT / rest[rest.index("-r") + 1]).is_file()
        case "pip":
            named = re.search(r"\[(.*)\]", rest[-1])
            assert named is not None
            assert set(named[1].split(",")) <= set(PROJECT["optional-dependencies"])
        case "export":
            assert (
                first.partition("=")[0]
                == built("search", "storage=postgresql").storage.url_variable
            )
        case "ray":
            assert first == "start", "Ray's own command"
        case _:
            pytest.fail(f"{page} says {line!r}, of which this test knows nothing")


def test_the_studies_of_an_example_read_one_kind_of_text_each(built):
    example = runpy.run_path(str(ROOT / "examples" / "text_vectors.py"))
    configs = [
        built("search", *example["COMMON"], *settings, "corpus.table=meld.csv")
        for _, *settings in example["KINDS"].values()
    ]
    read = [[*config.model.encoders] for config in configs]
    assert read == [["text"], ["text_factors"], ["text"]]
    assert [config.features.text.name for config in configs] == ["words", "words", "pretrained"]
    assert len({(str(config.space), str(config.training)) for config in configs}) == 1


def test_a_wrong_line_would_be_found(built, tmp_path):
    for slip in ("STUDI=paper ARGS=study=papr", "ARGS=model.droput=1", "CORPUS=iemocap"):
        with pytest.raises(AssertionError):
            built(*made_call(f"make search {slip}", tmp_path))
    with pytest.raises(AssertionError):
        made_call("make serach", tmp_path)


def test_every_variable_is_one_of_the_makefile():
    """`make` itself takes any name."""
    makefile = (ROOT / "Makefile").read_text()
    used = {
        name
        for _, line in LINES
        if line.startswith("make ")
        for name in re.findall(r"\b([A-Z]+)=", line)
    }
    assert used >= {"BEST", "CORPUS", "ROOT", "ARGS"}
    assert all(f"$({name})" in makefile or f"value {name})" in makefile for name in used)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


GROUPS = {
    name: row
    for line in README.splitlines()
    if line.startswith("| `")
    for cell, row in [line.strip("|").split("|", 1)]
    for name in re.findall(r"`(\w+)`", cell)
}

#: Chosen by `study=smoke`, not by people.
SMALL_ONES = {"smoke"}


def test_every_group_is_in_the_table():
    folders = {path.name for path in conf_folder().iterdir() if path.is_dir()}
    pairs = {name for name in folders if name.startswith("study_")}  # nobody chooses these
    assert set(GROUPS) == folders - pairs


@pytest.mark.parametrize("group", GROUPS)
def test_the_table_names_what_can_be_chosen_and_nothing_else(group):
    folder = conf_folder() / group
    named = set(re.findall(r"`([\w/]+)`", GROUPS[group]))
    assert named | SMALL_ONES == {path.stem for path in folder.glob("*.yaml")} | SMALL_ONES
    for family in re.findall(r"`(\w+)/…`", GROUPS[group]):
        assert (folder / family).is_dir(), family


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
