"""Imports point one way, from the command line down to the errors; this reads every one of them."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import emotion_hpo

PACKAGE = Path(emotion_hpo.__file__).parent

#: From the ground up: a room imports from rows below its own, and no other room of its row.
ROWS = (
    {"errors", "runtime"},
    {"metrics"},
    {"config"},  # the choices of an objective are the metrics
    {"study", "corpus"},
    {"features"},
    {"splits"},
    {"dataset"},
    {"models"},
    {"training"},
    {"selection", "predict"},
    {"search"},
    {"final", "report", "tracking"},  # they talk through files
    {"console"},
    {"cli"},
    {"api"},
)

#: A framework is imported by one module or package, so that replacing it is a matter of one.
OWNERS = {
    "optuna": "search.optuna",
    "optuna_dashboard": "search.optuna.dashboard",
    "mlflow": "tracking",
    "hydra": "cli",
    "omegaconf": "cli",
    "librosa": "features.mel",
    "opensmile": "features.speech",
    "transformers": "features.pretrained",
    "huggingface_hub": "features.pretrained.hub",
    "gradio": "predict.demo.page",
    "onnx": "predict.onnx_file",
    "onnxruntime": "runtime.onnx_session",
    "ctranslate2": "features.pretrained.converted_whisper",
    "faster_whisper": "features.transcription.whisper",
    "pocketsphinx": "features.transcription.pocket_sphinx",
    "ray": "training.launch.ray",
    "submitit": "training.launch.slurm",
    "rich": "console",
}

#: Rooms beside `__init__.py`: more than a reader can hold at once is too many.
MOST_ROOMS = 20

#: Files that an import may lead through, one after the other: each is one more to open.
DEEPEST_CHAIN = 16

#: Of functions and classes, in an `__init__.py`.
MOST_INIT_LINES = 40


def modules(package: Path) -> dict[str, Path]:
    """Dotted name below the package → file."""
    files = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imports(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that a module imports, wherever in it that happens."""
    parts = ["emotion_hpo", *module.split(".")] if module else ["emotion_hpo"]
    package = parts if path.name == "__init__.py" else parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                above = package[: len(package) - node.level + 1] if node.level else []
                origin = [*above, *([node.module] if node.module else [])]
                yield from ((node.lineno, ".".join([*origin, alias.name])) for alias in node.names)
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
    lines = []
    for module, path in modules(package).items():
        room = module.partition(".")[0]
        if room and room not in row_of:
            lines.append(f"{module} is in no row")
            continue
        for line, name in imports(module, path):
            framework = name.partition(".")[0]
            owner = owners.get(framework, module)
            if module != owner and not module.startswith(f"{owner}."):
                lines.append(f"{module}:{line} imports {framework}, owned by {owner}")
            if framework != "emotion_hpo":
                continue
            other = name.split(".")[1] if "." in name else ""
            if other == room:
                continue
            if room == "" or other not in row_of or row_of[other] >= row_of[room]:
                lines.append(f"{module}:{line} imports {other or 'emotion_hpo'}")
    return lines


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


def graph(package: Path) -> dict[str, set[str]]:
    """Module → modules of the package that it imports, wherever in it that happens."""
    files = modules(package)
    edges: dict[str, set[str]] = {}
    for module, path in files.items():
        names = [name.removeprefix("emotion_hpo").lstrip(".") for _, name in imports(module, path)
                 if name.partition(".")[0] == "emotion_hpo"]  # fmt: skip
        targets = {name if name in files else name.rpartition(".")[0] for name in names}
        edges[module] = targets & files.keys() - {module, ""}
    return edges


def longest_chain(edges: Mapping[str, set[str]]) -> list[str]:
    """The longest chain of imports, from a module down to one that imports none.

    Raises:
        CycleError: Modules import each other.
    """
    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(edges).static_order():
        below = max((chains[name] for name in edges[module]), key=len, default=[])
        chains[module] = [module, *below]
    return max(chains.values(), key=len)


def test_rooms_are_few_and_chains_are_short():
    rooms = {name.partition(".")[0] for name in modules(PACKAGE) if name}
    assert len(rooms) <= MOST_ROOMS, sorted(rooms)
    chain = longest_chain(graph(PACKAGE))
    assert len(chain) <= DEEPEST_CHAIN, " > ".join(chain)


def test_a_cycle_and_a_chain_are_seen(tmp_path):
    (tmp_path / "a.py").write_text("from emotion_hpo import b\n")
    (tmp_path / "b.py").write_text("def f():\n    from emotion_hpo.c import x\n")
    (tmp_path / "c.py").write_text("")
    assert longest_chain(graph(tmp_path)) == ["a", "b", "c"]
    (tmp_path / "c.py").write_text("import emotion_hpo.a\n")
    with pytest.raises(CycleError):
        longest_chain(graph(tmp_path))


def test_an_init_exports_and_holds_no_logic():
    """A reader looks for logic in a file that is named for it."""
    for path in PACKAGE.rglob("__init__.py"):
        tree = ast.parse(path.read_text("utf-8"))
        code = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        lines = sum((node.end_lineno or 0) - node.lineno + 1 for node in code)
        assert lines <= MOST_INIT_LINES, f"{path.relative_to(PACKAGE)}: {lines} lines of logic"


#: Rooms that read what a study stores, and where of them a record leaves the package as JSON.
READERS = {"selection", "search", "final", "report", "tracking", "console", "cli"}
WRITES_JSON = {"cli.replay", "tracking.mirroring"}


def test_records_are_read_as_records():
    """A record that becomes a dictionary has keys that nobody checks."""
    callers = {
        module
        for module, path in modules(PACKAGE).items()
        if module.partition(".")[0] in READERS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"to_json", "model_dump"}
    }
    assert callers == WRITES_JSON


def printing(package: Path) -> list[str]:
    """A line for every module below the console that writes to a standard stream."""
    lines = []
    for module, path in modules(package).items():
        if module.partition(".")[0] in ("cli", "console"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case (
                    ast.Call(func=ast.Name(id="print"))
                    | ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr")
                ):
                    lines.append(f"{module}:{node.lineno}")
    return lines


def test_only_the_console_and_the_command_line_print():
    """Others log. A worker's standard error is its own log file, which its coordinator reads."""
    assert [line for line in printing(PACKAGE) if not line.startswith("search.worker:")] == []


def test_a_print_is_seen(tmp_path):
    (tmp_path / "a.py").write_text("import sys\nprint()\nsys.stderr.write('')\n")
    (tmp_path / "cli.py").write_text("print()\n")
    assert printing(tmp_path) == ["a:2", "a:3"]


#: They name nothing: a variable says what it holds (`trial`, `path`, `n_halvings`).
MEANINGLESS = {"one", "found", "told", "mine", "wanted", "asked", "kept", "taught", "here"}


def meaningless_names(text: str) -> Iterator[tuple[int, str]]:
    """Line and name of every variable and argument that says nothing."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) if name in MEANINGLESS:
                yield node.lineno, name


def test_every_name_says_what_it_holds():
    for module, path in modules(PACKAGE).items():
        assert list(meaningless_names(path.read_text("utf-8"))) == [], module


def test_a_name_that_says_nothing_is_seen():
    text = "def f(told): return [one for one in told]\nwith g() as here: found = 1\n"
    assert {name for _, name in meaningless_names(text)} == {"told", "found", "one", "here"}


PLANTED = [
    # file, content, what is said, why it is bad
    ("errors.py", "from emotion_hpo.config import build", "errors:1 imports config", "upwards"),
    ("config/x.py", "from emotion_hpo import cli", "config.x:1 imports cli", "upwards, by name"),
    ("corpus/x.py", "from ..study import y", "corpus.x:1 imports study", "same row, relative"),
    ("corpus/x.py", "from .. import study", "corpus.x:1 imports study", "same row, relative"),
    ("final/x.py", "import emotion_hpo.report", "final.x:1 imports report", "final knows report"),
    ("final.py", "from emotion_hpo.tracking import x", "final:1 imports tracking", "same row"),
    (
        "study/x.py",
        "def f():\n    import emotion_hpo.cli.app",
        "study.x:2 imports cli",
        "in a function",
    ),
    (
        "runtime/x.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from emotion_hpo.errors import X",
        "runtime.x:3 imports errors",
        "types count too",
    ),
    (
        "dataset/x.py",
        "import importlib\nimportlib.import_module('emotion_hpo.models')",
        "dataset.x:2 imports models",
        "by a string",
    ),
    ("splits.py", "__import__('optuna')", "splits:1 imports optuna, owned by", "by a string"),
    ("search/x.py", "import optuna as o", "search.x:1 imports optuna, owned", "not owner"),
    (
        "final.py",
        "from mlflow.entities import Run",
        "final:1 imports mlflow, owned by",
        "not owner",
    ),
    ("search.py", "from omegaconf import X", "search:1 imports omegaconf, owned", "not owner"),
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
    (line,) = violations(tmp_path)
    assert line.startswith(said), why


def test_what_is_allowed_is_not_caught(tmp_path):
    (tmp_path / "search" / "optuna").mkdir(parents=True)
    (tmp_path / "search" / "optuna" / "x.py").write_text(
        "import optuna\nfrom emotion_hpo.search.space import applies\nfrom .. import worker\n"
        "from emotion_hpo import splits, study\nfrom importlib import import_module\n"
        "import_module('json')\n"
    )
    assert violations(tmp_path) == []
