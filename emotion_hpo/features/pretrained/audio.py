"""Audio models by transformers: wav2vec2, HuBERT, WavLM, data2vec, MMS, Whisper and their like.

In: signals at 16 kHz. Out: hidden states of the signal's own steps. Each is scaled and padded as
the model's own `preprocessor_config.json` says. Only models whose first layers normalise each step
by itself (`feat_extract_norm: layer`), and of which the mask is exact, read several signals at
once; all others read one at a time, for padding would change what they say of the true steps.
Whisper takes windows of exactly 30 s; the states of the silence behind are cut off.
"""

import warnings
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import PretrainedSection
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.pretrained.files import Weights
from emotion_hpo.features.pretrained.loading import batches, layer_numbers, load_model, load_part

Floats = NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000

#: Samples of a batch, padding included: 30 s take half a gigabyte in the first layers.
_MOST_SAMPLES = 30 * SAMPLE_RATE_HZ

#: Whose mask is exact where the first layers normalise step by step.
_MASKED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")

#: Samples a frame of Whisper's spectrogram, and frames a state.
_HOP, _FRAMES_A_STATE = 160, 2


class AudioModel(Protocol):
    """As `encoders.SpeechModel`."""

    dimensions: int
    n_layers: int
    frames_per_s: float
    window_s: float

    def encode(self, signals: list[Floats]) -> list[Floats]:
        """Return the states of each signal, `(steps, layers, d)`."""
        ...


def open_audio_model(
    weights: Weights, section: PretrainedSection, path: str, n_threads: int
) -> AudioModel:
    """Open an audio model.

    Raises:
        FeatureError: It is none, lacks its preprocessor's settings, or has no such layer.
    """
    if not (weights.folder / "preprocessor_config.json").is_file():
        raise FeatureError(
            f"{path}.model: {weights.folder} lacks preprocessor_config.json, which says how the "
            "model's input is scaled; copy it beside the weights"
        )
    config = load_part("AutoConfig", weights, path)
    if config.model_type != "whisper" and not hasattr(config, "conv_stride"):
        raise FeatureError(
            f"{path}.model: {weights.folder} is of the kind {config.model_type}, which does not "
            "read the waveform; take a model such as WavLM or Whisper"
        )
    extractor = load_part("AutoFeatureExtractor", weights, path)
    if (rate := getattr(extractor, "sampling_rate", None)) != SAMPLE_RATE_HZ:
        raise FeatureError(
            f"{path}.model: {weights.folder} reads sound at {rate} Hz; it must be 16,000 Hz"
        )
    model = load_model(weights, path, n_threads)
    kind = _Whisper if config.model_type == "whisper" else _Waveform
    n_states = (
        int(getattr(config, "encoder_layers" if kind is _Whisper else "num_hidden_layers", 0)) + 1
    )
    return kind(model, extractor, config, layer_numbers(section.layers, n_states, path))


class _Waveform:
    """A model that reads the waveform itself."""

    window_s = 30.0

    def __init__(self, model: Any, extractor: Any, config: Any, layers: list[int] | None) -> None:  # noqa: ANN401
        self._model, self._extractor, self._layers = model, extractor, layers
        self.dimensions = int(config.hidden_size)
        self.n_layers = 1 if layers is None else len(layers)
        self.frames_per_s = SAMPLE_RATE_HZ / float(np.prod(config.conv_stride))
        norm = getattr(config, "feat_extract_norm", None)
        self.takes_batches = norm == "layer" and config.model_type in _MASKED

    def encode(self, signals: list[Floats]) -> list[Floats]:
        """Return the states of each signal, `(steps, layers, d)`."""
        states: list[Floats] = [np.empty(0, np.float32)] * len(signals)
        most = _MOST_SAMPLES if self.takes_batches else 0
        for places in batches([len(signal) for signal in signals], most):
            for place, own in zip(places, self._run([signals[p] for p in places]), strict=True):
                states[place] = own
        return states

    def _run(self, signals: list[Floats]) -> list[Floats]:
        import torch

        inputs = self._extractor(
            signals,
            sampling_rate=SAMPLE_RATE_HZ,
            padding=True,
            return_attention_mask=len(signals) > 1,
            return_tensors="pt",
        ).to(self._model.device)
        with torch.inference_mode(), warnings.catch_warnings():
            # WavLM hands torch two masks of different kinds
            warnings.filterwarnings("ignore", "Support for mismatched", UserWarning)
            output = self._model(**inputs, output_hidden_states=self._layers is not None)
        states_BTLD = _states(output, self._layers)
        if len(signals) == 1:
            return [states_BTLD[0]]
        lengths = torch.tensor([len(signal) for signal in signals])
        n_steps = self._model._get_feat_extract_output_lengths(lengths).tolist()
        return [own[:n] for own, n in zip(states_BTLD, n_steps, strict=True)]


class _Whisper:
    """Whisper's encoder, without its decoder."""

    frames_per_s = SAMPLE_RATE_HZ / (_HOP * _FRAMES_A_STATE)

    def __init__(self, model: Any, extractor: Any, config: Any, layers: list[int] | None) -> None:  # noqa: ANN401
        self._encoder, self._extractor, self._layers = model.get_encoder(), extractor, layers
        self.dimensions = int(config.d_model)
        self.n_layers = 1 if layers is None else len(layers)
        self.window_s = float(extractor.chunk_length)

    def encode(self, signals: list[Floats]) -> list[Floats]:
        """Return the states of each signal, `(steps, layers, d)`."""
        return [self._encode(signal) for signal in signals]

    def _encode(self, signal: Floats) -> Floats:
        import torch

        inputs = self._extractor(signal, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        features = inputs["input_features"].to(self._encoder.device)
        with torch.inference_mode():
            output = self._encoder(features, output_hidden_states=self._layers is not None)
        n_frames = -(-len(signal) // _HOP)
        return _states(output, self._layers)[0, : -(-n_frames // _FRAMES_A_STATE)]


def _states(output: Any, layers: list[int] | None) -> Floats:  # noqa: ANN401
    """Hidden states of a batch, `(B, T, layers, d)`."""
    import torch

    chosen = (
        [output.last_hidden_state]
        if layers is None
        else [output.hidden_states[layer] for layer in layers]
    )
    states: Floats = torch.stack(chosen, dim=2).float().cpu().numpy()
    return states
