"""What pyproject.toml asks to be installed is what the package imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

import emotion_hpo

PACKAGE = Path(emotion_hpo.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]

#: Distribution → the module that it brings, where the names differ.
MODULES: Mapping[str, str] = {
    "hydra-core": "hydra",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}

#: Needed at run time though no line of the package imports it, and why.
UNSEEN: Mapping[str, str] = {"cmaes": "Optuna's CmaEsSampler imports it"}

#: Module → the dependency that always brings it along.
BROUGHT: Mapping[str, str] = {"pydantic_core": "pydantic"}


def names(requirements: list[str]) -> set[str]:
    """Distributions of some requirements, without versions and extras."""
    return {re.split(r"[\s\[<>=!~;]", one)[0].lower() for one in requirements}


def imported() -> Iterator[str]:
    """Top names of all that the package imports, wherever in a file."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (one.name.partition(".")[0] for one in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield str(node.module).partition(".")[0]


NEEDED = names(PROJECT["dependencies"])
USED = set(imported()) - set(sys.stdlib_module_names) - {"emotion_hpo"}


def test_every_dependency_is_imported():
    brought = {name: MODULES.get(name, name.replace("-", "_")) for name in NEEDED}
    idle = {name for name, module in brought.items() if module not in USED}
    assert idle == set(UNSEEN), "what only the tests import belongs to the extra `dev`"


def test_every_import_is_a_dependency_or_an_extra():
    extras = {name for group in PROJECT["optional-dependencies"].values() for name in names(group)}
    known = {MODULES.get(name, name.replace("-", "_")) for name in NEEDED | extras} | set(BROUGHT)
    assert known >= USED
    assert set(BROUGHT.values()) <= NEEDED


def test_what_development_adds_is_not_there_already():
    assert not NEEDED & names(PROJECT["optional-dependencies"]["dev"])


def test_a_citation_names_this_version_and_licence():
    citation = yaml.safe_load((PACKAGE.parent / "CITATION.cff").read_text("utf-8"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


def test_the_workflow_runs_what_continuous_integration_runs():
    workflow = (PACKAGE.parent / ".github/workflows/ci.yml").read_text("utf-8")
    steps = yaml.safe_load(workflow)["jobs"]["check"]["steps"]
    assert steps[-1]["run"].endswith(".ci/run")
    assert (PACKAGE.parent / ".ci/run").stat().st_mode & 0o111
