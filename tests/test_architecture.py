"""Imports point one way, from the command line down to the errors; this reads every one of them."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import emotion_hpo

PACKAGE = Path(emotion_hpo.__file__).parent

#: From the ground up: a room imports from rows below its own, and no other room of its row.
ROWS = (
    {"errors", "contents", "naming", "seeds", "usage", "eager"},
    {"config", "records", "ledger", "metrics"},
    {"study_file", "trials"},
    {"corpus"},
    {"features", "batch"},
    {"splits", "preparation"},
    {"class_remarks", "dataset", "models", "decision", "screen"},
    {"training", "screen_final"},
    {"bundle", "experiment"},
    {"companion", "cost", "predict", "repetition", "expected"},
    {"tracking"},
    {"search", "final", "replay", "report", "selection"},  # they talk through files
    {"answering", "nested", "overrides", "scoring"},
    {"commands"},
    {"cli"},
)

#: A framework is imported by one module or package, so that replacing it is a matter of one.
OWNERS = {
    "optuna": "search.study",
    "mlflow": "tracking",
    "hydra": "cli",
    "omegaconf": "cli",
    "librosa": "features.speech",
    "opensmile": "features.speech",
    "ray": "search.launch.ray",
    "submitit": "search.launch.slurm",
}


def modules(package: Path) -> dict[str, Path]:
    """Dotted name below the package → file."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that a module imports, wherever in it that happens."""
    here = ["emotion_hpo", *module.split(".")] if module else ["emotion_hpo"]
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                yield from ((node.lineno, one.name) for one in node.names)
            case ast.ImportFrom():
                above = package[: len(package) - node.level + 1] if node.level else []
                origin = [*above, *([node.module] if node.module else [])]
                yield from ((node.lineno, ".".join([*origin, one.name])) for one in node.names)
            case ast.Call(
                func=ast.Attribute(attr="import_module")
                | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def violations(
    package: Path,
    rows: Iterable[set[str]] = ROWS,
    owners: Mapping[str, str] = OWNERS,
) -> list[str]:
    """A line for every import that the rows and owners forbid, and for every homeless module."""
    row_of = {room: number for number, rooms in enumerate(rows) for room in rooms}
    found = []
    for module, path in modules(package).items():
        room = module.partition(".")[0]
        if room and room not in row_of:
            found.append(f"{module} is in no row")
            continue
        for line, name in imports(module, path):
            framework = name.partition(".")[0]
            owner = owners.get(framework, module)
            if module != owner and not module.startswith(f"{owner}."):
                found.append(f"{module}:{line} imports {framework}, owned by {owner}")
            if framework != "emotion_hpo":
                continue
            other = name.split(".")[1] if "." in name else ""
            if other == room:
                continue
            if room == "" or other not in row_of or row_of[other] >= row_of[room]:
                found.append(f"{module}:{line} imports {other or 'emotion_hpo'}")
    return found


def test_imports_point_down():
    assert violations(PACKAGE) == []


def test_every_row_and_owner_exists():
    """A renamed module must not leave a rule behind that nothing obeys."""
    names = modules(PACKAGE)
    rooms = [room for row in ROWS for room in row]
    assert len(rooms) == len(set(rooms))
    assert sorted(rooms) == sorted({name.partition(".")[0] for name in names if name})
    assert set(OWNERS.values()) <= set(names)


def test_owners_use_what_they_own():
    for framework, owner in OWNERS.items():
        used = {
            name.partition(".")[0]
            for module, path in modules(PACKAGE).items()
            if module == owner or module.startswith(f"{owner}.")
            for _, name in imports(module, path)
        }
        assert framework in used


PLANTED = [
    # file, content, what is said, why it is bad
    ("errors.py", "from emotion_hpo.config import build", "errors:1 imports config", "upwards"),
    ("config/x.py", "from emotion_hpo import cli", "config.x:1 imports cli", "upwards, by name"),
    ("config/x.py", "from ..records import y", "config.x:1 imports records", "same row, relative"),
    ("config/x.py", "from .. import ledger", "config.x:1 imports ledger", "same row, relative"),
    ("search/x.py", "import emotion_hpo.final", "search.x:1 imports final", "search knows final"),
    (
        "final.py",
        "from emotion_hpo.search.optuna import Study",
        "final:1 imports search",
        "reverse",
    ),
    (
        "trials.py",
        "def f():\n    import emotion_hpo.cli.app",
        "trials:2 imports cli",
        "in a function",
    ),
    (
        "seeds.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from emotion_hpo.errors import X",
        "seeds:3 imports errors",
        "types count too",
    ),
    (
        "batch.py",
        "import importlib\nimportlib.import_module('emotion_hpo.models')",
        "batch:2 imports models",
        "by a string",
    ),
    ("splits.py", "__import__('optuna')", "splits:1 imports optuna, owned by", "by a string"),
    (
        "search/launch.py",
        "import optuna as o",
        "search.launch:1 imports optuna, owned",
        "not owner",
    ),
    (
        "final.py",
        "from mlflow.entities import Run",
        "final:1 imports mlflow, owned by",
        "not owner",
    ),
    ("commands.py", "from omegaconf import X", "commands:1 imports omegaconf, owned", "not owner"),
    ("features/mocap.py", "import librosa", "features.mocap:1 imports librosa, owned", "not owner"),
    ("__init__.py", "from emotion_hpo.config import build", ":1 imports config", "root is empty"),
    ("config/x.py", "import emotion_hpo", "config.x:1 imports emotion_hpo", "says nothing"),
    ("utils.py", "", "utils is in no row", "homeless"),
    ("helpers/deep/x.py", "", "helpers.deep.x is in no row", "homeless"),
    ("cli.py", "import emotion_hpo.nowhere", "cli:1 imports nowhere", "no such room"),
]


@pytest.mark.parametrize(("file", "content", "said", "why"), PLANTED)
def test_planted_violation_is_caught(tmp_path, file, content, said, why):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    (found,) = violations(tmp_path)
    assert found.startswith(said), why


def test_what_is_allowed_is_not_caught(tmp_path):
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "study.py").write_text(
        "import optuna\nfrom emotion_hpo.search.space import applies\nfrom . import worker\n"
        "from emotion_hpo import screen, study_file\nfrom importlib import import_module\n"
        "import_module('json')\n"
    )
    assert violations(tmp_path) == []
