"""Motion capture becomes a fixed number of parts, each the mean of its frames.

In: head, hand and face, each `(frames, width)` with NaN where a marker was lost. Out: one array of
`MOTION_PARTS`' columns. A mean takes the frames that it has: one lost marker in one frame does not
empty a whole part. A column without any valid frame in a part stays NaN, for the reader to mask.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.schema import MOTION_PARTS
from emotion_hpo.errors import FeatureError, UnusableError

N_COLUMNS = sum(MOTION_PARTS.values())


def parts(motion: Mapping[str, NDArray[np.floating]], n_parts: int = 200) -> NDArray[np.float32]:
    """Cut each stream of motion into equal parts and average every column over each part.

    Streams may differ by some frames: each is cut by its own length. Lengths of parts differ by one
    frame at most, the longer ones first, as `numpy.array_split` cuts. With fewer frames than parts,
    the last parts are empty: NaN.

    Args:
        motion: Stream (`MOTION_PARTS`) to `(frames, width)`; the columns of an absent one are NaN.
        n_parts: Number of parts.

    Returns:
        float32 `(n_parts, 189)`: head, hand, face.

    Raises:
        FeatureError: An unknown stream, or a wrong shape.
        UnusableError: An infinite value.

    >>> parts({"head": np.arange(24.0).reshape(4, 6)}, n_parts=2)[:, :3]
    array([[ 3.,  4.,  5.],
           [15., 16., 17.]], dtype=float32)
    """
    if unknown := sorted(set(motion) - set(MOTION_PARTS)):
        raise FeatureError(
            f"unknown motion {', '.join(unknown)} (valid: {', '.join(MOTION_PARTS)})"
        )
    averaged = np.full((n_parts, N_COLUMNS), np.nan, dtype=np.float32)
    first = 0
    for name, width in MOTION_PARTS.items():
        stream = motion.get(name)
        if stream is not None:
            if stream.ndim != 2 or stream.shape[1] != width:
                raise FeatureError(
                    f"{name} motion must be (frames, {width}), but got {stream.shape}"
                )
            _average(stream, averaged[:, first : first + width])
        first += width
    if np.isinf(averaged).any():
        raise UnusableError("the motion holds infinite values")
    return averaged


def _average(stream: NDArray[np.floating], out: NDArray[np.float32]) -> None:
    """Write the means of `len(out)` parts of the stream into `out`."""
    shorter, n_longer = divmod(len(stream), len(out))
    cut = n_longer * (shorter + 1)
    _means(stream[:cut], shorter + 1, out[:n_longer])
    _means(stream[cut:], shorter, out[n_longer:])


def _means(stream: NDArray[np.floating], length: int, out: NDArray[np.float32]) -> None:
    """Means of consecutive parts of one length, NaN left out."""
    if not length or not len(out):
        return
    frames = stream.reshape(len(out), length, stream.shape[1])
    means = frames.sum(axis=1, dtype=np.float64) / length
    # Few parts are touched by a lost marker: only these pay for counting.
    touched = np.flatnonzero(np.isnan(means).any(axis=1))
    if touched.size:
        some = frames[touched]
        valid = ~np.isnan(some)
        n_valid = valid.sum(axis=1)
        sums = np.where(valid, some, 0).sum(axis=1, dtype=np.float64)
        means[touched] = np.where(n_valid, sums / np.maximum(n_valid, 1), np.nan)
    out[:] = means
