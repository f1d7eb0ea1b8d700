"""Corpora that the tests read: small twins, the Berlin recordings, an invented folder of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotion_hpo.corpus import Twin, write_release
from tests.corpus.releases import SCALE, SEED

pytest.register_assert_rewrite("tests.corpus.contract")

ROOT = Path(__file__).parents[2]
BERLIN = ROOT.parent / "shared" / "data" / "emodb"

#: Two takes of one sentence, all classes, three sessions, and two emotions that are no class.
BERLIN_NAMES = (
    "03a01Wa", "03a01Wb", "03b10Fa", "08a02Nc", "09a05Ta", "16b03Wa", "03a01La", "16b09Ab",
)  # fmt: skip

WriteBerlin = Callable[..., Path]


@pytest.fixture(scope="session")
def write_berlin(tmp_path_factory) -> WriteBerlin:
    """Writes a folder of invented recordings with the Berlin names, and returns its root."""

    def write(names=BERLIN_NAMES, sample_rate_hz=8000, n_channels=2) -> Path:
        root = tmp_path_factory.mktemp("berlin")
        (root / "wav").mkdir()
        for i, name in enumerate(names):
            rng = np.random.default_rng(i)
            samples = 0.1 * rng.standard_normal((800 + 80 * i, n_channels))
            soundfile.write(root / "wav" / f"{name}.wav", samples, sample_rate_hz, subtype="FLOAT")
        return root

    return write


@pytest.fixture(scope="session")
def berlin() -> Path:
    """Where the real Berlin recordings lie."""
    if not BERLIN.is_dir():
        pytest.skip(f"the Berlin recordings are not at {BERLIN}")
    return BERLIN


@pytest.fixture(scope="session")
def small_twin() -> Twin:
    return Twin(SEED, SCALE)


@pytest.fixture(scope="session")
def release(small_twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release; tests must not change it."""
    root = tmp_path_factory.mktemp("release") / "IEMOCAP_full_release"
    write_release(small_twin, root, lambda *_: None)
    return root


@pytest.fixture
def damaged(release: Path, tmp_path: Path) -> Callable[[], Path]:
    """Copies Session 1 of the release, for a test to break."""

    def copy() -> Path:
        root = tmp_path / "damaged"
        shutil.copytree(release / "Session1", root / "Session1")
        return root

    return copy


@pytest.fixture(scope="session")
def full_twin() -> Twin:
    """All of the twin; only its table is cheap."""
    return Twin(seed=0)
