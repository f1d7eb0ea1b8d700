"""Slaney's mel filters; the one owner of librosa, which takes a second to import."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=4)
def mel_filters(sample_rate_hz: int, n_fft: int, n_bands: int) -> NDArray[np.float64]:
    """Return filters of equal area, `(n_fft // 2 + 1, n_bands)`."""
    from librosa.filters import mel

    filters = mel(sr=sample_rate_hz, n_fft=n_fft, n_mels=n_bands, dtype=np.float64)
    return np.ascontiguousarray(filters.T)
