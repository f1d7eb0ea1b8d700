"""Whisper by CTranslate2 equals what faster-whisper and CTranslate2 make of the same window."""

import numpy as np
import pytest

from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.pretrained.converted_whisper import ConvertedWhisper, log_mel
from emotion_hpo.features.pretrained.encoders import open_speech_model
from emotion_hpo.features.pretrained.weights import find_weights
from tests.features.pretrained.extra import library

ctranslate2 = library("ctranslate2")


@pytest.fixture(scope="module")
def model(whisper):
    return ConvertedWhisper(whisper, "features.speech", 1)


def test_the_spectrogram_is_whispers_own(signals):
    extractor = library("faster_whisper.feature_extractor").FeatureExtractor()
    for signal in signals:
        with_silence = np.pad(signal, (0, 480_000 - len(signal)))
        n_frames = -(-len(signal) // 160)
        expected = extractor(with_silence, padding=0)[:, :n_frames]
        np.testing.assert_allclose(log_mel(signal, 80), expected, atol=1e-4)


def test_states_equal_a_plain_use_of_the_library(model, whisper, signals):
    extractor = library("faster_whisper.feature_extractor").FeatureExtractor()
    plain = ctranslate2.models.Whisper(str(whisper), compute_type="float32")
    for signal, states in zip(signals, model.encode(signals), strict=True):
        n_frames = -(-len(signal) // 160)
        padded = np.pad(signal, (0, 480_000 - len(signal)))
        mel = np.ascontiguousarray(extractor(padded, padding=0)[None, :, :n_frames])
        expected = np.array(plain.encode(ctranslate2.StorageView.from_array(mel)))[0]
        assert states.shape == (-(-n_frames // 2), 1, 384)
        np.testing.assert_allclose(states[:, 0], expected, atol=2e-3)


def test_what_is_in_a_batch_changes_nothing(model, signals):
    together = model.encode(signals)
    for signal, states in zip(signals, together, strict=True):
        np.testing.assert_allclose(model.encode([signal])[0], states, atol=1e-4)


def test_it_has_no_other_layer(whisper):
    section = PretrainedSpeech(
        name="pretrained", model=str(whisper), layers="all", normalise="corpus"
    )
    weights = find_weights(section, "features.speech")
    with pytest.raises(FeatureError, match=r"features.speech.layers: .* the last layer alone"):
        open_speech_model(weights, section, "features.speech", 1)


def test_a_folder_that_is_no_whisper(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"x" * 64)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FeatureError, match=r"features.speech.model: .*; convert it anew"):
        ConvertedWhisper(tmp_path, "features.speech", 1)
