"""A recording made longer or shorter at the same pitch, as SoX does it: by waveform similarity.

WSOLA (Verhelst and Roelands 1993): overlapping pieces of the recording are laid at other distances,
each taken from where it goes on best from the piece before, so that periods of a voice stay whole.
librosa's phase vocoder blurs them, and takes ten seconds to compile in every process that extracts.
"""

import numpy as np
from numpy.typing import NDArray

#: Of a piece, and how far from its place it may be taken: two periods of a low voice, and half one.
_PIECE_S, _TOLERANCE_S = 0.03, 0.008


def stretch(
    samples: NDArray[np.floating], factor: float, sample_rate_hz: int
) -> NDArray[np.float32]:
    """Return a recording that lasts `factor` times as long.

    Args:
        samples: Mono, `(n,)`.
        factor: Above 1 for longer; 1 gives the recording back.
        sample_rate_hz: Of them.

    Returns:
        `(round(n * factor),)`.
    """
    hop = max(1, round(_PIECE_S * sample_rate_hz / 2))
    size, reach = 2 * hop, round(_TOLERANCE_S * sample_rate_hz)
    window = np.hanning(size + 1)[:-1]  # two halves of it add up to 1
    padded = np.pad(samples.astype(np.float64), (hop + reach, 2 * size + reach))
    sums = np.cumsum(np.append(0, padded**2))
    energies = sums[size:] - sums[:-size]
    n_pieces = 2 + int(len(samples) * factor) // hop
    stretched = np.zeros((n_pieces + 1) * hop)
    start = reach
    for piece in range(n_pieces):
        first = min(round(piece * hop / factor), len(samples) + hop)
        if piece:
            following = padded[start + hop : start + hop + size]
            candidates = padded[first : first + 2 * reach + size]
            likeness = 2 * np.correlate(candidates, following, "valid")
            # the least squared difference
            start = first + int(np.argmax(likeness - energies[first : first + 2 * reach + 1]))
        stretched[piece * hop : piece * hop + size] += window * padded[start : start + size]
    return stretched[hop : hop + round(len(samples) * factor)].astype(np.float32)
