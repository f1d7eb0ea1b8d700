"""Whisper's encoder by CTranslate2: the last layer, without the 30 s of padding.

In: signals at 16 kHz. Out: 50 states a second. Whisper was trained on windows of 30 s; its encoder
takes shorter ones, too, and a recording of 3 s then costs a tenth. CTranslate2 knows no mask, so
that one window runs at a time: what else is in a batch cannot change an utterance's states.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import FeatureError, missing_extra
from emotion_hpo.features.mel import mel_filters

Floats = NDArray[np.float32]

_SAMPLE_RATE_HZ = 16_000
_N_FFT, _HOP = 400, 160  # 25 ms and 10 ms
_FLOOR = 1e-10
_RANGE = 8.0  # of powers of ten below the loudest that count


class ConvertedWhisper:
    """Whisper's encoder, opened once a process.

    Attributes:
        dimensions: Of a state.
        n_layers: 1.
        frames_per_s: States a second.
        window_s: The longest signal that it takes.
    """

    n_layers = 1
    frames_per_s = 50.0
    window_s = 30.0

    def __init__(self, folder: Path, path: str, n_threads: int) -> None:
        """Open a model.

        Args:
            folder: That holds it.
            path: Of the section in the configuration.
            n_threads: Of the processor, for this process; 0 leaves the choice to the library.

        Raises:
            FeatureError: CTranslate2 is missing, or cannot read the folder as Whisper.
        """
        try:
            import ctranslate2
        except ImportError:
            raise missing_extra(f"{path}.model={folder}", "CTranslate2", "pretrained") from None
        on_gpu = ctranslate2.get_cuda_device_count() > 0
        try:
            self._model: Any = ctranslate2.models.Whisper(
                str(folder),
                device="cuda" if on_gpu else "cpu",
                compute_type="float32",
                intra_threads=n_threads,
            )
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise FeatureError(
                f"{path}.model: {folder} cannot be read as Whisper: {reason}; convert it anew: "
                "ct2-transformers-converter --model FOLDER --output_dir NEW"
            ) from None
        self._view = ctranslate2.StorageView
        self._n_mels = int(self._model.n_mels)
        self.dimensions = self._encode_window(np.zeros(_N_FFT, np.float32)).shape[1]

    def encode(self, signals: list[Floats]) -> list[Floats]:
        """Return the states of each signal of up to 30 s, `(steps, 1, dimensions)`."""
        return [self._encode_window(signal)[:, None] for signal in signals]

    def _encode_window(self, signal: Floats) -> Floats:
        mel = np.ascontiguousarray(log_mel(signal, self._n_mels)[None])
        states = self._model.encode(self._view.from_array(mel), to_cpu=True)
        states_TD: Floats = np.array(states, dtype=np.float32)[0]
        return states_TD


def log_mel(signal: Floats, n_mels: int) -> Floats:
    """Return Whisper's log-mel spectrogram of up to 30 s at 16 kHz, `(n_mels, ceil(n / 160))`.

    As of the same signal with silence behind it, which is how Whisper reads it, cut to its length.
    """
    n_frames = -(-len(signal) // _HOP)
    padded = np.pad(signal.astype(np.float64), (0, _N_FFT))  # the silence behind it
    padded = np.pad(padded, (_N_FFT // 2, 0), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP][:n_frames]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    levels = np.log10(np.maximum(power @ mel_filters(_SAMPLE_RATE_HZ, _N_FFT, n_mels), _FLOOR))
    levels = np.maximum(levels, levels.max() - _RANGE)
    mel: Floats = ((levels.T + 4) / 4).astype(np.float32)
    return mel
