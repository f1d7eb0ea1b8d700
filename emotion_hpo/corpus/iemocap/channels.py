"""Whose microphone is which channel of `dialog/wav`, and whether that can be true.

The release has a channel an actor. Which one is left is configured, so it is checked by ear: the
microphone of who speaks must be the louder one in most turns.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotion_hpo.corpus import sound


def channel(row: Mapping[str, Any], left: str) -> int:
    """Return the channel of a turn's speaker: 0 is left.

    Args:
        row: Of the utterance table.
        left: Whose microphone is left: `female`, `male`, `wearer` (of the markers), `listener`.

    >>> channel({"speaker": "Ses01M", "wears_markers": True}, "female")
    1
    """
    is_female = row["speaker"].endswith("F")
    is_left = {
        "female": is_female,
        "male": not is_female,
        "wearer": row["wears_markers"],
        "listener": not row["wears_markers"],
    }[left]
    return 0 if is_left else 1


def n_louder(path: Path, rows: Sequence[Mapping[str, Any]], left: str) -> int:
    """Count the turns in which the speaker's own channel is the louder one.

    A turn that cannot be read says nothing against the channels.
    """
    count = 0
    for row in rows:
        turn, _, _ = sound.read_usable_samples(path, str(path), row["start_s"], row["end_s"])
        if turn is None:
            count += 1
            continue
        own = channel(row, left)
        power = np.square(turn, dtype=np.float64).sum(axis=0)
        count += bool(power[own] >= power[1 - own])
    return count
