"""Resampling, spectrograms and functionals; and that `name` chooses among them."""

import sys
from collections.abc import Callable

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_hpo.config import FeaturesConfig
from emotion_hpo.errors import FeatureError
from emotion_hpo.features import speech
from tests.needed import need_module

RATE = speech.SAMPLE_RATE_HZ
Configured = Callable[[str], FeaturesConfig]


def tone(hertz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "dimensions"), [("paper", 34), ("spectrogram", 128), ("functionals", 882)]
)
def test_the_name_chooses(configured: Configured, name, dimensions):
    config = configured(name).speech
    features = speech.extract(tone(200, RATE), RATE, config)
    assert features.dtype == np.float32
    assert features.shape[1] == dimensions
    assert np.isfinite(features).all()
    assert (len(features) == 1) == (getattr(config, "max_frames", 1) == 1)


def test_egemaps(configured: Configured):
    need_module("opensmile", "opensmile")
    config = configured("egemaps").speech
    for seconds in (0.05, 0.5, 2.0):
        features = speech.extract(tone(200, RATE, seconds), RATE, config)
        assert features.shape == (1, 88)
        assert np.isfinite(features).all()


def test_egemaps_names_its_extra(configured: Configured, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    speech._smile.cache_clear()
    with pytest.raises(FeatureError, match=r"pip install 'emotion-hpo\[opensmile\]'"):
        speech.extract(tone(200, RATE), RATE, configured("egemaps").speech)


@given(samples=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50))
@settings(max_examples=30, deadline=None)
def test_resampling_to_the_same_rate_is_the_identity(samples):
    samples = np.array(samples, dtype=np.float32)
    assert speech.resample(samples, RATE) is samples


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_recording_means_the_same_at_any_rate(configured: Configured, rate):
    config = configured("paper").speech
    expected = speech.extract(tone(440, RATE), RATE, config)
    features = speech.extract(tone(440, rate), rate, config)
    assert features.shape == expected.shape
    inner = slice(1, -1)  # a filter rings at either end
    np.testing.assert_allclose(features[inner, :2], expected[inner, :2], rtol=0.05)


@pytest.mark.parametrize(("window_s", "step_s"), [(0.128, 0.032), (0.064, 0.032), (0.2, 0.1)])
def test_the_spectrogram_is_librosas(window_s, step_s):
    signal = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    ours = speech.spectrogram(signal, window_s, step_s, 128)
    n_fft = max(round(window_s * RATE), 2048)
    spectrum = librosa.stft(
        np.pad(signal.astype(float), (0, n_fft)),
        n_fft=n_fft,
        hop_length=round(step_s * RATE),
        window=np.pad(
            librosa.filters.get_window("hann", round(window_s * RATE)),
            (0, n_fft - round(window_s * RATE)),
        ),
        center=False,
    )
    mel = librosa.feature.melspectrogram(S=np.abs(spectrum) ** 2, sr=RATE, n_mels=128)
    expected = librosa.power_to_db(mel, top_db=None).T[: len(ours)]
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)


def test_functionals_are_statistics_of_both_kinds_of_frames():
    signal = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    by_name = dict(
        zip(speech.functional_names(), speech.functionals(signal, 0.05, 0.025)[0], strict=True)
    )
    frames = speech.short_term(signal, RATE, 0.05, 0.025)
    bands = speech.spectrogram(signal, 0.032, 0.016, 64)
    energy, loudest = frames[:, 1], bands[:, 63]
    assert by_name["energy_mean"] == pytest.approx(energy.mean())
    assert by_name["energy_quantile_95"] == pytest.approx(np.quantile(energy, 0.95))
    assert by_name["band_64_deviation"] == pytest.approx(loudest.std())
    assert by_name["band_64_delta_deviation"] == pytest.approx(np.diff(loudest).std())


@pytest.mark.parametrize("name", ["paper", "spectrogram", "functionals"])
@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        pytest.param(np.zeros(0, np.float32), RATE, "mono waveform", id="no sample"),
        pytest.param(np.zeros((9, 2), np.float32), RATE, r"\(9, 2\)", id="stereo"),
        pytest.param(np.full(9, np.nan, np.float32), RATE, "not finite", id="not a number"),
        pytest.param(np.full(9, np.inf, np.float32), 8_000, "not finite", id="infinite"),
    ],
)
def test_refuses(configured: Configured, name, samples, rate, message):
    with pytest.raises(FeatureError, match=message):
        speech.extract(samples, rate, configured(name).speech)


@pytest.mark.parametrize("name", ["paper", "spectrogram", "functionals"])
def test_a_very_short_waveform_gives_one_frame(configured: Configured, name):
    features = speech.extract(tone(200, RATE, 0.005), RATE, configured(name).speech)
    assert len(features) == 1
    assert np.isfinite(features).all()
