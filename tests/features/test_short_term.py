"""The 34 features, against the package that published figures were made with."""

import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_hpo.errors import FeatureError
from emotion_hpo.features.short_term import NAMES, short_term
from tests.needed import need_module

RATE = 16_000
WINDOWS = [(0.2, 0.1), (0.05, 0.025), (0.0255, 0.01), (0.1, 0.25)]


def voiced(seconds: float, seed: int = 0) -> np.ndarray:
    """Harmonics of a gliding pitch in noise, with a pause, as 16-bit integers."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 60 * np.sin(3 * time)) / RATE
    wave = sum(np.sin(k * phase) / k for k in range(1, 20)) + 0.05 * rng.standard_normal(len(time))
    wave[len(time) // 3 : len(time) // 2] *= 1e-3
    return (wave / np.abs(wave).max() * 20_000).astype(np.int16)


@pytest.fixture(scope="module")
def oracle():
    need_module("pyAudioAnalysis", "dev")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how it imports SciPy
        return import_module("pyAudioAnalysis.ShortTermFeatures").feature_extraction


def assert_equal_to(oracle, samples, window_s, step_s):
    window, step = round(window_s * RATE), round(step_s * RATE)
    expected, names = oracle(samples, RATE, window, step, deltas=False)
    assert tuple(names) == NAMES
    ours = short_term(samples.astype(np.float32) / 2**15, RATE, window_s, step_s)
    # A coefficient may happen to pass through zero: 1e-8 of its column's size counts there.
    size = np.abs(expected).mean(axis=1)
    assert ours.shape == expected.T.shape
    np.testing.assert_allclose(ours, expected.T, rtol=1e-8, atol=1e-8 * size.max())
    assert (np.abs(ours - expected.T) <= 1e-8 * (np.abs(expected.T) + size)).all()


@pytest.mark.parametrize(("window_s", "step_s"), WINDOWS)
def test_equals_the_oracle_on_a_made_up_voice(oracle, window_s, step_s):
    assert_equal_to(oracle, voiced(3.0), window_s, step_s)


@pytest.mark.parametrize(("window_s", "step_s"), WINDOWS[:2])
def test_equals_the_oracle_on_recordings(oracle, berlin: Path, window_s, step_s):
    for path in sorted((berlin / "wav").glob("*.wav"))[::40]:
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == RATE
        assert_equal_to(oracle, samples, window_s, step_s)


@pytest.mark.parametrize(
    ("n_samples", "n_frames"),
    [
        pytest.param(1, 1, id="one sample"),
        pytest.param(3199, 1, id="just short of a window"),
        pytest.param(3200, 1, id="a window"),
        pytest.param(4799, 1, id="just short of a second window"),
        pytest.param(4800, 2, id="two windows"),
        pytest.param(3200 + 1600 * 200, 201, id="more than one block"),
    ],
)
def test_counts_the_windows_that_lie_within(n_samples, n_frames):
    noise = np.random.default_rng(0).standard_normal(n_samples)
    features = short_term(noise, RATE, 0.2, 0.1)
    assert features.shape == (n_frames, 34)
    assert np.isfinite(features).all()


def test_blocks_leave_no_seam(monkeypatch):
    samples = voiced(8.0).astype(float)
    whole = short_term(samples, RATE, 0.2, 0.1)
    monkeypatch.setattr("emotion_hpo.features.short_term.BLOCK_FRAMES", 3)
    np.testing.assert_allclose(short_term(samples, RATE, 0.2, 0.1), whole, rtol=1e-10, atol=1e-15)


def test_silence_is_finite():
    features = short_term(np.zeros(8000), RATE, 0.2, 0.1)
    assert np.isfinite(features).all()
    assert (features[:, [0, 1, 2, 3, 4, 6, 7]] == 0).all()


@given(scale=st.floats(1e-3, 1e3), offset=st.floats(-1, 1))
@settings(max_examples=20, deadline=None)
def test_ignores_scale_and_offset(scale, offset):
    samples = voiced(0.5).astype(float) / 2**15
    plain = short_term(samples, RATE, 0.05, 0.025)
    moved = short_term(scale * (samples + offset), RATE, 0.05, 0.025)
    np.testing.assert_allclose(moved, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "window_s", "message"),
    [
        pytest.param(np.zeros(0), 0.2, "mono waveform with samples", id="no sample"),
        pytest.param(np.zeros((10, 2)), 0.2, r"\(10, 2\)", id="stereo"),
        pytest.param(np.full(10, np.nan), 0.2, "not finite", id="not a number"),
        pytest.param(np.array([0, np.inf]), 0.2, "not finite", id="infinite"),
        pytest.param(np.zeros(100), 0.005, "too short for chroma", id="window too short"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_refuses(samples, window_s, message):
    with pytest.raises(FeatureError, match=message):
        short_term(samples, RATE, window_s, 0.1)
