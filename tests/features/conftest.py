"""What the tests of features share: the paper's settings, invented corpora, real recordings."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from emotion_hpo.config import FeaturesConfig, build
from emotion_hpo.corpus import Corpus

ROOT = Path(__file__).parents[2]
BERLIN = ROOT.parent / "shared" / "data" / "emodb"


@pytest.fixture(scope="session")
def configured() -> Callable[[str], FeaturesConfig]:
    """Reads a file of `conf/features`."""

    def read(name: str) -> FeaturesConfig:
        path = ROOT / "conf" / "features" / f"{name}.yaml"
        return build(FeaturesConfig, yaml.safe_load(path.read_text("utf-8")))

    return read


@pytest.fixture(scope="session")
def paper(configured: Callable[[str], FeaturesConfig]) -> FeaturesConfig:
    return configured("paper")


@pytest.fixture
def fake_corpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Corpus]:
    """Makes corpora; their module is importable by name, so that worker processes find it too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("fake").FakeCorpus


@pytest.fixture(scope="session")
def berlin() -> Path:
    """The folder of the Berlin recordings."""
    if not BERLIN.is_dir():
        pytest.skip(f"the Berlin recordings are not at {BERLIN}")
    return BERLIN


@pytest.fixture
def said() -> list[str]:
    """What `prepare` said to `on_progress`, through `listen`."""
    return []


@pytest.fixture
def listen(said: list[str]) -> Callable[[int, int, str], Any]:
    return lambda _done, _total, what: said.append(what)
