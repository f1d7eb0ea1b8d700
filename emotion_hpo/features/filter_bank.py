"""The filters behind the 34 features, as pyAudioAnalysis 0.3.14 has them.

Two of its habits are no signal processing that one would choose, and are kept because published
features hold them: the mel triangles sit at half the frequency that they claim, and a chroma takes
one FFT bin a semitone, scaled by another bin's count. Both are linear in the spectrum, so that they
become matrices, made once for a sample rate and a window.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import FeatureError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FilterBank:
    """All that depends on the sample rate and the window alone.

    Attributes:
        mel: `(low bins, 40)` triangles; the bins above the last triangle are left out.
        cosines: `(40, 13)`, the orthonormal DCT-II.
        chroma_bins: FFT bins that a chroma reads.
        chroma: `(len(chroma_bins), 12)` weights.
        moments: `(bins, 3)`: zeroth, first and second power of the bin's place in (0, 1].
    """

    mel: Floats
    cosines: Floats
    chroma_bins: NDArray[np.int64]
    chroma: Floats
    moments: Floats


@lru_cache(maxsize=8)
def filter_bank(sample_rate_hz: int, window: int) -> FilterBank:
    """Make the filters of one sample rate and window."""
    n_bins = window // 2
    if n_bins < 1 or _semitones(sample_rate_hz, n_bins).max() >= n_bins:
        raise FeatureError(
            f"a window of {window} samples is too short for chroma at {sample_rate_hz} Hz: "
            "take window_s of 0.0125 or more at 16 kHz"
        )
    chroma_bins, chroma = _chroma(sample_rate_hz, n_bins)
    place = np.arange(1, n_bins + 1) / n_bins
    k, n = np.arange(40), np.arange(13)
    cosines = np.sqrt(2 / 40) * np.cos(np.pi * (2 * k[:, None] + 1) * n / 80)
    cosines[:, 0] = np.sqrt(1 / 40)
    return FilterBank(
        mel=_mel(sample_rate_hz, n_bins),
        cosines=cosines,
        chroma_bins=chroma_bins,
        chroma=chroma,
        moments=np.stack([np.ones(n_bins), place, place**2], axis=1),
    )


def _mel(sample_rate_hz: int, n_bins: int) -> Floats:
    """40 triangles of equal area: 13 every 66.7 Hz from 133.33 Hz on, 27 by a factor of 1.07."""
    linear = 133.33 + np.arange(13) * 200 / 3
    edges = np.concatenate([linear, linear[-1] * 1.0711703 ** np.arange(1, 30)])
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    height = 2 / (high - low)
    # Bins are counted as if they reached up to the full sample rate, twice as far as they do.
    hertz = (np.arange(n_bins) / n_bins * sample_rate_hz)[:, None]
    last_bin = np.floor(edges * n_bins / sample_rate_hz)
    bins = np.arange(n_bins)[:, None]
    rises = (last_bin[:-2] < bins) & (bins <= last_bin[1:-1])
    falls = (last_bin[1:-1] < bins) & (bins <= last_bin[2:])
    triangles: Floats = np.where(rises, height / (centre - low) * (hertz - low), 0.0)
    triangles = np.where(falls, height / (high - centre) * (high - hertz), triangles)
    used = np.flatnonzero(triangles.any(axis=1))
    return np.ascontiguousarray(triangles[: used[-1] + 1 if used.size else 0])


def _semitones(sample_rate_hz: int, n_bins: int) -> NDArray[np.int64]:
    """The nearest semitone above 27.5 Hz (A0) of each bin; negative below."""
    hertz = (np.arange(n_bins) + 1) * sample_rate_hz / (2 * n_bins)
    return np.round(12 * np.log2(hertz / 27.5)).astype(np.int64)


def _chroma(sample_rate_hz: int, n_bins: int) -> tuple[NDArray[np.int64], Floats]:
    """Which bins count towards the twelve chroma, and by how much.

    A semitone keeps one bin, the last of those nearest to it, divided by how many bins are nearest
    to the semitone whose *number* equals that bin's place; negative semitones wrap around to the
    end. Neither is what a chroma should be; both are what published features hold.
    """
    semitones = _semitones(sample_rate_hz, n_bins)
    bin_of_semitone = np.full(n_bins, -1)
    bin_of_semitone[semitones] = np.arange(n_bins)
    _, inverse, counts = np.unique(semitones, return_inverse=True, return_counts=True)
    divisor = counts[inverse][semitones]
    places = np.flatnonzero(bin_of_semitone >= 0)
    weights = np.zeros((len(places), 12))
    weights[np.arange(len(places)), places % 12] = 1 / divisor[places]
    return bin_of_semitone[places], weights
