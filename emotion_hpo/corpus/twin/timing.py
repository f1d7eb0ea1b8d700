"""When each turn begins and ends: people wait for one another a little, and mostly do not."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.dialogue_figures import GAP_S
from emotion_hpo.corpus.twin.lengths import quantiles_linear

#: A turn begins so much after the one before, at least, and after the speaker's own has ended.
_LEAST_S = 0.05
#: And a dialogue's first so late.
_FIRST_S = 2.0


def timed(
    rows: pd.DataFrame, seconds: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start and end of each turn, in seconds from its dialogue's start.

    Args:
        rows: Turns in the order of dialogue and time.
        seconds: How long each lasts.
        rng: Decides which gap is where.
    """
    gaps = _gaps(rows, seconds, rng)
    starts, ends = np.empty(len(rows)), np.empty(len(rows))
    previous, own_end, end_s, start_s = "", {"F": 0.0, "M": 0.0}, 0.0, 0.0
    for i, (dialogue, gender, still) in enumerate(
        zip(rows["dialogue"], rows["gender"], rows["still"], strict=True)
    ):
        if dialogue != previous:
            previous, own_end, end_s, start_s = dialogue, {"F": 0.0, "M": 0.0}, _FIRST_S, 0.0
        # What has no motion overlaps nothing that has.
        ended = max(own_end.values()) if still else own_end[gender]
        earliest = max(start_s, ended) + _LEAST_S
        start_s = round(max(end_s + gaps[i], earliest), 4)
        end_s = own_end[gender] = round(start_s + seconds[i], 4)
        starts[i], ends[i] = start_s, end_s
    return starts, ends


def _gaps(
    rows: pd.DataFrame, seconds: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Gap before each turn: long overlaps where the turn before is long and another's."""
    n = len(rows)
    before = np.roll(seconds, 1)
    other = (rows["gender"] != rows["gender"].shift()).to_numpy()
    room = np.where(other, before * rng.random(n) ** 0.5, rng.random(n) * 0.3)
    gaps = np.empty(n)
    gaps[np.argsort(-room, kind="stable")] = quantiles_linear(GAP_S, n)
    return gaps
