"""The 34 short-term features of speech, equal to pyAudioAnalysis 0.3.14 and many times faster.

In: a mono waveform. Out: one row a window: 8 of time and spectrum, 13 MFCC, 12 chroma and their
deviation, as in Giannakopoulos (2015), "pyAudioAnalysis", which the paper's inputs were made with.
Published figures rest on that package, so its habits are kept: the mean is removed and the peak
scaled to one over the whole waveform, windows are rectangular, and `EPSILON` stands where it stands
there; `filter_bank` has the others. Its loop over frames becomes one FFT and a few matrix products
a block of frames.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emotion_hpo.errors import UnusableError
from emotion_hpo.features.filter_bank import FilterBank, filter_bank

Floats = NDArray[np.float64]

#: Names of the columns, in order.
NAMES: tuple[str, ...] = (
    *("zcr", "energy", "energy_entropy", "spectral_centroid", "spectral_spread"),
    *("spectral_entropy", "spectral_flux", "spectral_rolloff"),
    *(f"mfcc_{i}" for i in range(1, 14)),
    *(f"chroma_{i}" for i in range(1, 13)),
    "chroma_std",
)

EPSILON = float(np.finfo(np.float64).eps)
N_SUB_BLOCKS = 10  # of a frame and of its spectrum, for the two entropies
ROLLOFF_SHARE = 0.9  # of the spectral energy lies below the roll-off
BLOCK_FRAMES = 64  # of 0.2 s at 16 kHz: about 1 MB a spectrum, which stays in the cache


def short_term(
    samples: NDArray[np.floating], sample_rate_hz: int, window_s: float, step_s: float
) -> Floats:
    """The 34 features of every window that lies within the waveform.

    Args:
        samples: Mono waveform; its scale does not matter. Shorter than one window: it is padded
            with silence to one.
        sample_rate_hz: Of `samples`.
        window_s: Length of a window.
        step_s: From one window's start to the next one's.

    Returns:
        float64 `(frames, 34)`, columns as in `NAMES`.

    Raises:
        UnusableError: No sample, or a sample that is not finite.
        FeatureError: A window too short for chroma.

    >>> tone = np.sin(np.arange(16_000) * 0.2)
    >>> short_term(tone, 16_000, window_s=0.2, step_s=0.1).shape
    (9, 34)
    """
    window, step = round(window_s * sample_rate_hz), max(round(step_s * sample_rate_hz), 1)
    bank = filter_bank(sample_rate_hz, window)
    signal = _normalised(samples)
    if len(signal) < window:
        signal = np.pad(signal, (0, window - len(signal)))

    n_frames, n_bins = (len(signal) - window) // step + 1, window // 2
    frames = sliding_window_view(signal, window)[::step]
    features = np.empty((n_frames, len(NAMES)))
    features[:, 0] = _zero_crossings(signal, window, step, n_frames)
    before = None
    for first in range(0, n_frames, BLOCK_FRAMES):
        block = slice(first, first + BLOCK_FRAMES)
        features[block, 1], features[block, 2] = _energy(frames[block])
        features[block, 3:], before = _spectral(_power(frames[block], n_bins), before, bank)
    return features


def _normalised(samples: NDArray[np.floating]) -> Floats:
    """The waveform without its mean, its peak at one."""
    if samples.ndim != 1 or not samples.size:
        raise UnusableError(f"a mono waveform with samples is needed, but got {samples.shape}")
    signal = samples.astype(np.float64)
    signal -= signal.mean()
    peak = max(signal.max(), -signal.min())
    if not np.isfinite(peak):
        raise UnusableError("the waveform holds samples that are not finite")
    signal /= peak + 1e-10
    return signal


def _zero_crossings(signal: Floats, window: int, step: int, n_frames: int) -> Floats:
    """Sign changes a sample; from or to a sample of exactly zero, half a change."""
    signs = (signal > 0).view(np.int8) - (signal < 0).view(np.int8)
    changes = np.diff(signs)
    places = np.flatnonzero(changes)
    halves = np.concatenate([[0], np.cumsum(np.abs(changes[places]), dtype=np.int64)])
    starts = np.arange(n_frames) * step
    before, until = np.searchsorted(places, [starts, starts + window - 1])
    crossings: Floats = (halves[until] - halves[before]) / 2 / (window - 1)
    return crossings


def _energy(frames: Floats) -> tuple[Floats, Floats]:
    """Mean energy of each frame, and how evenly it is spread over the frame."""
    width = frames.shape[1] // N_SUB_BLOCKS
    blocks, rest = frames[:, : width * N_SUB_BLOCKS], frames[:, width * N_SUB_BLOCKS :]
    blocks = blocks.reshape(len(frames), N_SUB_BLOCKS, width)
    energies = np.einsum("fbs,fbs->fb", blocks, blocks)
    total = energies.sum(axis=1) + np.einsum("fs,fs->f", rest, rest)
    return total / frames.shape[1], _entropy(energies, total)


def _entropy(energies: Floats, total: Floats) -> Floats:
    """Entropy in bits of the blocks' shares in the total energy."""
    shares = energies / (total + EPSILON)[:, None]
    entropy: Floats = -(shares * np.log2(shares + EPSILON)).sum(axis=1)
    return entropy


def _power(frames: Floats, n_bins: int) -> Floats:
    """Squared magnitudes of the first bins, `(frames, n_bins)`, magnitudes divided by `n_bins`."""
    parts = np.fft.rfft(frames, axis=1).view(np.float64)
    parts *= 1 / n_bins
    parts *= parts
    power: Floats = parts[:, 0 : 2 * n_bins : 2] + parts[:, 1 : 2 * n_bins : 2]
    return power


def _spectral(power: Floats, before: Floats | None, bank: FilterBank) -> tuple[Floats, Floats]:
    """Columns 3–33 of a block of frames, and the last frame's magnitudes for the next block's flux.

    Args:
        power: `(frames, bins)` squared magnitudes.
        before: `(bins,)` magnitudes, of sum one, of the frame before; None at the start.
        bank: The filters.
    """
    n_frames, n_bins = power.shape
    features = np.empty((n_frames, len(NAMES) - 3))
    width = n_bins // N_SUB_BLOCKS
    blocks = power[:, : width * N_SUB_BLOCKS].reshape(n_frames, N_SUB_BLOCKS, width).sum(axis=2)
    energy = blocks.sum(axis=1) + power[:, width * N_SUB_BLOCKS :].sum(axis=1)
    magnitude = np.sqrt(power)
    moments = magnitude @ bank.moments

    features[:, 0], features[:, 1] = _centroid_and_spread(moments, magnitude.max(axis=1))
    features[:, 2] = _entropy(blocks, energy)

    shapes = np.empty((1 + n_frames, n_bins))
    np.multiply(magnitude, 1 / (moments[:, :1] + n_bins * EPSILON), out=shapes[1:])
    shapes[0] = shapes[1] if before is None else before
    change = shapes[1:] - shapes[:-1]
    features[:, 3] = np.einsum("fb,fb->f", change, change)

    features[:, 4] = _rolloff_bin(power, blocks, ROLLOFF_SHARE * energy) / n_bins
    mel = magnitude[:, : len(bank.mel)] @ bank.mel
    features[:, 5:18] = np.log10(mel + EPSILON) @ bank.cosines
    chroma = power[:, bank.chroma_bins] @ bank.chroma
    chroma /= np.where(energy > 0, energy, EPSILON)[:, None]
    features[:, 18:30] = chroma
    features[:, 30] = chroma.std(axis=1)
    return features, shapes[-1]


def _rolloff_bin(power: Floats, blocks: Floats, threshold: Floats) -> NDArray[np.int64]:
    """The first bin up to which the energy exceeds the threshold.

    Args:
        power: `(frames, bins)`.
        blocks: `(frames, 10)`, sums over equal blocks of it: only one block is searched bin by bin.
        threshold: `(frames,)`.
    """
    n_frames, n_bins = power.shape
    width = n_bins // N_SUB_BLOCKS
    below = np.zeros((n_frames, N_SUB_BLOCKS + 1))
    np.cumsum(blocks, axis=1, out=below[:, 1:])
    block = np.count_nonzero(below[:, 1:] + EPSILON <= threshold[:, None], axis=1)
    frame = np.arange(n_frames)
    bins = block[:, None] * width + np.arange(max(width, N_SUB_BLOCKS))
    reached = np.cumsum(power[frame[:, None], np.minimum(bins, n_bins - 1)], axis=1)
    reached += below[frame, block][:, None] + EPSILON
    passed = (reached <= threshold[:, None]) & (bins < n_bins)
    first: NDArray[np.int64] = block * width + np.count_nonzero(passed, axis=1)
    last: NDArray[np.int64] = np.minimum(first, n_bins - 1)
    return last


def _centroid_and_spread(moments: Floats, peak: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of frequency, as shares of half the sample rate.

    Args:
        moments: `(frames, 3)`, of the magnitudes.
        peak: Largest magnitude of each frame, which cancels out but for the epsilon beside it.
    """
    scaled = moments / np.where(peak > 0, peak, 1.0)[:, None]
    mass = scaled[:, 0] + EPSILON
    centroid = scaled[:, 1] / mass
    about = scaled[:, 2] - 2 * centroid * scaled[:, 1] + centroid**2 * scaled[:, 0]
    return centroid, np.sqrt(np.maximum(about, 0) / mass)
