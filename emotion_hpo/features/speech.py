"""A waveform becomes features, by the configuration's `name`; the one owner of openSMILE and soxr.

In: mono samples at any rate. Out: float32 `(frames, dimensions)`. Everything is computed at 16 kHz,
so that features of different corpora mean the same. librosa and openSMILE take a second and more to
import, so they are imported where they are used; resampling needs neither, only soxr (`librosa`'s
own resampler, without the half minute that librosa may spend compiling on its first call).
"""

from functools import lru_cache
from typing import Any

import numpy as np
import soxr  # type: ignore[import-untyped]  # it has no types
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emotion_hpo.config.features import (
    EgemapsFeatures,
    FunctionalFeatures,
    ShortTermFeatures,
    SpectrogramFeatures,
)
from emotion_hpo.errors import FeatureError, UnusableError
from emotion_hpo.features.functionals import STATISTICS, describe_frames
from emotion_hpo.features.mel import mel_filters
from emotion_hpo.features.short_term import NAMES, short_term

__all__ = [
    "as_signal",
    "egemaps",
    "extract",
    "functionals",
    "resample",
    "short_term",
    "spectrogram",
]

SAMPLE_RATE_HZ = 16_000  # the rate of IEMOCAP and of most corpora of emotional speech
LOWEST_RATE_HZ = 1000  # a header that claims less is wrong, and at 16 kHz would fill the memory
FLOOR = 1e-10  # power that counts as silence: −100 dB
BLOCK_FRAMES = 128  # bounds the memory of a long recording's spectrum
N_BANDS = 64  # whose levels `functionals` describes beside the 34 short-term features
SHORTEST_SAMPLES = 400  # of a signal that a network reads: less is not a state of any
SHORTEST_EGEMAPS_S = 1.0  # below, openSMILE has too few frames for some functionals
BAND_WINDOW_S, BAND_STEP_S = 0.032, 0.016  # 512 samples: two periods of the lowest voices


def extract(
    samples: NDArray[np.floating],
    sample_rate_hz: int,
    config: ShortTermFeatures | SpectrogramFeatures | FunctionalFeatures | EgemapsFeatures,
) -> NDArray[np.float32]:
    """The features that the configuration asks for.

    Raises:
        UnusableError: The waveform is empty, too short, or not finite.
        FeatureError: A library is not installed.
    """
    signal = resample(samples, sample_rate_hz)
    match config:
        case ShortTermFeatures():
            features = short_term(signal, SAMPLE_RATE_HZ, config.window_s, config.step_s)
        case SpectrogramFeatures():
            features = spectrogram(signal, config.window_s, config.step_s, config.n_bands)
        case FunctionalFeatures():
            features = functionals(signal, config.window_s, config.step_s)
        case EgemapsFeatures():
            features = egemaps(signal)
    return features.astype(np.float32)


def resample(samples: NDArray[np.floating], sample_rate_hz: int) -> NDArray[np.floating]:
    """The waveform at 16 kHz.

    Raises:
        UnusableError: It is not mono, has no sample, a rate too low for speech, or values that
            are not finite.
    """
    if samples.ndim != 1 or not samples.size:
        raise UnusableError(f"a mono waveform with samples is needed, but got {samples.shape}")
    if not np.isfinite([samples.min(), samples.max()]).all():
        raise UnusableError("the waveform holds samples that are not finite")
    if sample_rate_hz < LOWEST_RATE_HZ:
        raise UnusableError(f"a rate of {sample_rate_hz} Hz holds no speech")
    if sample_rate_hz == SAMPLE_RATE_HZ:
        return samples
    resampled: NDArray[np.floating] = soxr.resample(samples, sample_rate_hz, SAMPLE_RATE_HZ)
    if not resampled.size:
        raise UnusableError("the waveform is so short that no sample is left at 16 kHz")
    return resampled


def as_signal(samples: NDArray[np.floating], sample_rate_hz: int) -> NDArray[np.float32]:
    """The waveform at 16 kHz, long enough for any network.

    Raises:
        UnusableError: It is too short, not mono, or not finite.
    """
    signal = resample(samples, sample_rate_hz).astype(np.float32)
    if len(signal) < SHORTEST_SAMPLES:
        shortest_ms = 1000 * SHORTEST_SAMPLES // SAMPLE_RATE_HZ
        raise UnusableError(f"the waveform is shorter than {shortest_ms} ms")
    return signal


def spectrogram(
    signal: NDArray[np.floating], window_s: float, step_s: float, n_bands: int = 128
) -> NDArray[np.float64]:
    """Log-mel power in decibels of every Hann window that lies within a 16 kHz waveform.

    Returns:
        `(frames, n_bands)`; a waveform shorter than one window is padded to one.
    """
    window, step = round(window_s * SAMPLE_RATE_HZ), round(step_s * SAMPLE_RATE_HZ)
    signal = np.pad(signal.astype(np.float64), (0, max(window - len(signal), 0)))
    frames = sliding_window_view(signal, window)[::step]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    # Padding a short window with zeros keeps every mel band at least one FFT bin wide.
    n_fft = max(window, 2048 * n_bands // 128)
    mel = mel_filters(SAMPLE_RATE_HZ, n_fft, n_bands)
    power = np.empty((len(frames), n_bands))
    for first in range(0, len(frames), BLOCK_FRAMES):
        block = slice(first, first + BLOCK_FRAMES)
        spectrum = np.fft.rfft(frames[block] * hann, n_fft, axis=1)
        power[block] = (spectrum.real**2 + spectrum.imag**2) @ mel
    return 10 * np.log10(np.maximum(power, FLOOR))


def functionals(
    signal: NDArray[np.floating], window_s: float, step_s: float
) -> NDArray[np.float64]:
    """Statistics of the 34 features, then of 64 mel bands, of a 16 kHz waveform: `(1, 882)`.

    The columns are those of `functional_names`.
    """
    frames = short_term(signal, SAMPLE_RATE_HZ, window_s, step_s)
    bands = spectrogram(signal, BAND_WINDOW_S, BAND_STEP_S, N_BANDS)
    return np.concatenate([describe_frames(frames), describe_frames(bands)])[None, :]


def functional_names() -> tuple[str, ...]:
    """Return the names of the 882 columns of `functionals`, in order.

    >>> names = functional_names()
    >>> len(names), names[0], names[34], names[-1]
    (882, 'zcr_mean', 'zcr_deviation', 'band_64_delta_deviation')
    """
    bands = tuple(f"band_{band}" for band in range(1, N_BANDS + 1))
    return tuple(
        f"{name}_{statistic}"
        for columns in (NAMES, bands)
        for statistic in STATISTICS
        for name in columns
    )


def egemaps(signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """The 88 functionals of eGeMAPSv02 (Eyben et al. 2016) of a 16 kHz waveform: `(1, 88)`.

    Raises:
        FeatureError: openSMILE is not installed.
    """
    short = max(round(SHORTEST_EGEMAPS_S * SAMPLE_RATE_HZ) - len(signal), 0)
    values = _smile().process_signal(np.pad(signal, (0, short)), SAMPLE_RATE_HZ).to_numpy()
    return np.asarray(values, dtype=np.float64)


@lru_cache(maxsize=1)
def _smile() -> Any:  # noqa: ANN401 (openSMILE has no types)
    """The extractor, configured once a process."""
    try:
        import opensmile
    except ImportError:
        raise FeatureError(
            "features.speech.name=egemaps needs openSMILE: pip install 'emotion-hpo[opensmile]'"
        ) from None
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
