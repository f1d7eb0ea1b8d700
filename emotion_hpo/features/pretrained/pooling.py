"""Hidden states of some layers become what is stored of an utterance."""

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import Pooling

Floats = NDArray[np.float32]


def pool(
    states_TLD: Floats, pooling: Pooling, frames_per_s: float = 0.0, frame_rate_hz: float = 0.0
) -> Floats:
    """Return an utterance's features `(frames, layers, d)`, one frame unless `frames` are asked.

    Args:
        states_TLD: Hidden states of the utterance's own steps, none of padding.
        pooling: `mean`; `mean_std`, both of a layer beside each other; `frames`, averaged over
            equal stretches, the last of which may be shorter.
        frames_per_s: Steps a second, of `frames`.
        frame_rate_hz: Frames a second that are kept, of `frames`.

    >>> pool(np.array([[[1.0], [5.0]], [[3.0], [9.0]]], np.float32), "mean_std").tolist()
    [[[2.0, 1.0], [7.0, 2.0]]]
    """
    states = states_TLD.astype(np.float64)
    match pooling:
        case "mean":
            pooled = states.mean(0)[None]
        case "mean_std":
            pooled = np.concatenate([states.mean(0), states.std(0)], axis=-1)[None]
        case "frames":
            stride = max(1, round(frames_per_s / frame_rate_hz))
            starts = np.arange(0, len(states), stride)
            sizes = np.diff([*starts, len(states)])
            pooled = np.add.reduceat(states, starts, axis=0) / sizes[:, None, None]
    features: Floats = pooled.astype(np.float32)
    return features
