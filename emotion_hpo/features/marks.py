"""What an utterance is by its recordings, in a few bytes: to know it again in another copy.

A mark of arrays (motion, ready-made features) is a digest of their values at half precision, so
that float64, float32 and float16 copies have the same one. A mark of sound is 256 bits that outlive
another format, rate, level or codec (after Haitsma and Kalker, "A Highly Robust Audio
Fingerprinting System", 2002): the signs of how the ratio of neighbouring frequency bands changes
from each of 33 parts of the utterance to the next. What is constant or absent has no mark.
"""

import hashlib
import itertools

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.schema import MOTION_PARTS, Recording

#: 32 changes between parts, times 8 differences between bands.
_N_PARTS, _N_BANDS = 33, 9
#: What a telephone transmits, too.
_BANDS_HZ = np.geomspace(200, 3200, _N_BANDS + 1)
#: A window spans so many parts, so that a copy may begin some milliseconds earlier or later.
_PARTS_A_WINDOW = 4
#: Energy below this share of the loudest is a codec's noise.
_FLOOR = 1e-6


def compute_marks(recording: Recording) -> dict[str, str]:
    """Return a hexadecimal mark of all that was recorded: `sound`, `motion`, `features.NAME`."""
    marks = {f"features.{name}": _array_mark(values)
             for name, values in recording.features.items()}  # fmt: skip
    if recording.samples is not None:
        marks["sound"] = sound_mark(recording.samples, recording.sample_rate_hz)
    if motion := recording.motion:
        parts = [motion[part] for part in MOTION_PARTS if part in motion]
        marks["motion"] = _array_mark(np.concatenate([part.ravel() for part in parts]))
    return {kind: mark for kind, mark in marks.items() if mark is not None}


def sound_mark(samples: NDArray[np.float32], sample_rate_hz: int) -> str | None:
    """256 bits as 64 hexadecimal digits; None where nothing is to be heard.

    Args:
        samples: Mono, `(n,)`.
        sample_rate_hz: Of them.
    """
    heard = np.nan_to_num(samples.astype(np.float64), posinf=0.0, neginf=0.0)
    hop = len(heard) / (_N_PARTS + _PARTS_A_WINDOW - 1)
    length = int(hop * _PARTS_A_WINDOW)
    if length * _BANDS_HZ[0] < sample_rate_hz or not np.ptp(heard):
        return None
    starts = (hop * np.arange(_N_PARTS)).astype(int)
    windows = heard[starts[:, None] + np.arange(length)] * np.hanning(length)
    n_fft = 1 << (length - 1).bit_length()  # a prime length takes twice as long
    power = np.abs(np.fft.rfft(windows, n_fft)) ** 2
    bins = np.searchsorted(np.fft.rfftfreq(n_fft, 1 / sample_rate_hz), _BANDS_HZ)
    energies = np.stack(
        [power[:, low:high].sum(1) for low, high in itertools.pairwise(bins)], axis=1
    )  # (parts, bands)
    if not energies.max():
        return None
    levels = np.log(energies + _FLOOR * energies.max())
    bits = np.diff(np.diff(levels, axis=1), axis=0) > 0
    return np.packbits(bits).tobytes().hex()


def _array_mark(values: NDArray[np.float32]) -> str | None:
    """Digest of an array's values, `(d,)` and `(1, d)` alike."""
    finite = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    if not finite.size or not np.ptp(finite):
        return None
    # Divided by a power of two, which loses no bit, so that large values stay finite at half
    # precision.
    _, exponent = np.frexp(np.abs(finite).max())
    halves = np.ldexp(finite, -exponent).astype("<f2")
    shape = np.atleast_2d(halves).shape
    return hashlib.sha256(f"{shape} ".encode() + halves.tobytes()).hexdigest()[:16]
