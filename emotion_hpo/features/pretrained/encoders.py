"""Pretrained models at work: recordings become the features that a configuration asks for.

`Encoders` opens a model when it first reads something, so that a handle can be sent to a worker
process; a library is imported with the first model that needs it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import (
    FeaturesConfig,
    PretrainedSection,
    PretrainedSpeech,
    PretrainedText,
)
from emotion_hpo.corpus.schema import Recording
from emotion_hpo.errors import FeatureError, UnusableError
from emotion_hpo.features.pretrained.audio import open_audio_model
from emotion_hpo.features.pretrained.converted_whisper import ConvertedWhisper
from emotion_hpo.features.pretrained.files import Weights
from emotion_hpo.features.pretrained.pooling import pool
from emotion_hpo.features.pretrained.sentences import TextModel, open_text_model
from emotion_hpo.features.pretrained.weights import find_weights
from emotion_hpo.features.speech import SAMPLE_RATE_HZ, as_signal

Floats = NDArray[np.float32]

#: As far as float16 reaches; a state beyond it is a fault of the weights, and no infinity.
_HIGHEST = float(np.finfo(np.float16).max)

#: Features, or why there are none.
Encoded = NDArray[np.floating] | UnusableError


class SpeechModel(Protocol):
    """A model that reads signals."""

    dimensions: int
    n_layers: int
    frames_per_s: float
    window_s: float

    def encode(self, signals: list[Floats]) -> list[Floats]:
        """Return the states of each signal of up to a window at 16 kHz, `(steps, layers, d)`."""
        ...


@dataclass
class Encoders:
    """The pretrained models that a configuration names.

    Attributes:
        features: As configured.
        n_threads: Of a processor, that a model may use; 0 leaves them as they are.
    """

    features: FeaturesConfig
    n_threads: int = 0
    _speech: dict[str, SpeechModel] = field(default_factory=dict)
    _text: dict[str, TextModel] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of modalities that a pretrained model reads."""
        return len(self.features.pretrained)

    def encode(
        self,
        recordings: Sequence[Recording],
        transcripts: Sequence[str | None],
        modalities: Sequence[str],
    ) -> list[Mapping[str, Encoded]]:
        """Return what the models make of each utterance, by modality.

        Args:
            recordings: Of the utterances.
            transcripts: Of the same; None where there is none.
            modalities: That are extracted.

        Raises:
            FeatureError: A model is not at hand, or is none that can be read.
        """
        encoded: list[dict[str, Encoded]] = [{} for _ in recordings]
        for modality, section in self.features.pretrained.items():
            if modality not in modalities:
                continue
            if isinstance(section, PretrainedSpeech):
                rows = self._encode_speech(modality, section, recordings)
            elif isinstance(section, PretrainedText):
                rows = self._encode_text(modality, section, transcripts)
            for row, features in rows.items():
                if modality not in recordings[row].features:
                    encoded[row][modality] = features
        return list(encoded)

    def _encode_speech(
        self, modality: str, section: PretrainedSpeech, recordings: Sequence[Recording]
    ) -> dict[int, Encoded]:
        encoded: dict[int, Encoded] = {}
        signals: dict[int, Floats] = {}
        for row, recording in enumerate(recordings):
            samples = recording.samples
            if samples is None or not samples.size or modality in recording.features:
                continue
            try:
                signals[row] = as_signal(samples, recording.sample_rate_hz)
            except UnusableError as error:
                encoded[row] = error
        if not signals:
            return encoded
        model = self.speech_model(modality, section)
        windows = {row: _windows(signal, model.window_s) for row, signal in signals.items()}
        states = iter(model.encode([window for parts in windows.values() for window in parts]))
        for row, parts in windows.items():
            states_TLD = np.concatenate([next(states) for _ in parts])
            pooled_FLD = pool(
                states_TLD, section.pooling, model.frames_per_s, section.frame_rate_hz
            )
            encoded[row] = _as_stored(pooled_FLD, section)
        return encoded

    def _encode_text(
        self, modality: str, section: PretrainedText, transcripts: Sequence[str | None]
    ) -> dict[int, Encoded]:
        texts = {row: text for row, text in enumerate(transcripts) if text and text.strip()}
        if not texts:
            return {}
        model = self.text_model(modality, section)
        encoded: dict[int, Encoded] = {}
        rows = [*texts]
        for place, tokens in model.iterate([*texts.values()]):
            row = rows[place]
            match section.pooling:
                case "mean":
                    encoded[row] = _as_stored(pool(tokens.states, "mean"), section)
                case "cls":
                    encoded[row] = _as_stored(tokens.states[:1].copy(), section)
                case "tokens" if tokens.is_special.all():
                    encoded[row] = UnusableError("the transcript has no token that the model knows")
                case "tokens":
                    encoded[row] = _as_stored(tokens.states[~tokens.is_special], section)
        return encoded

    def text_model(self, modality: str, section: PretrainedText) -> TextModel:
        """Return a modality's model, opened.

        Raises:
            FeatureError: It is not at hand, or is none that can be read.
        """
        if modality not in self._text:
            path = f"features.{modality}"
            weights = find_weights(section, path)
            self._text[modality] = open_text_model(weights, section, path, self.n_threads)
        return self._text[modality]

    def speech_model(self, modality: str, section: PretrainedSpeech) -> SpeechModel:
        """Return a modality's model, opened.

        Raises:
            FeatureError: It is not at hand, or is none that can be read.
        """
        if modality not in self._speech:
            path = f"features.{modality}"
            weights = find_weights(section, path)
            self._speech[modality] = open_speech_model(weights, section, path, self.n_threads)
        return self._speech[modality]


def open_speech_model(
    weights: Weights, section: PretrainedSection, path: str, n_threads: int
) -> SpeechModel:
    """Open a model that reads signals.

    Raises:
        FeatureError: It is none, or cannot give the layers that are asked for.
    """
    if weights.format == "ctranslate2":
        if section.layers != "last":
            raise FeatureError(
                f"{path}.layers: {weights.folder} is Whisper in CTranslate2's form, which gives "
                f"the last layer alone; take {path}.layers=last, or a model in transformers' form"
            )
        return ConvertedWhisper(weights.folder, path, n_threads)
    if weights.format == "onnx":
        raise FeatureError(
            f"{path}.model: {weights.folder} is an ONNX file; models of speech are read as "
            "safetensors, or Whisper in CTranslate2's form"
        )
    return open_audio_model(weights, section, path, n_threads)


def _as_stored(pooled_FLD: Floats, section: PretrainedSection) -> NDArray[np.floating]:
    """Features of the last layer as they are, `(frames, d)`; of several in half precision."""
    if section.layers == "last":
        return pooled_FLD[:, 0]
    return pooled_FLD.clip(-_HIGHEST, _HIGHEST).astype(np.float16)


def _windows(signal: Floats, window_s: float) -> list[Floats]:
    """Parts of equal length; attention's memory grows with the square of it."""
    n_windows = -(-len(signal) // int(window_s * SAMPLE_RATE_HZ))
    return np.array_split(signal, n_windows)
