"""One dict of the reference's pickle: what it must hold, and how its values are taken.

Nothing of a pickle can be trusted: every value is looked at before it is used.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.iemocap.naming import parse_id
from emotion_hpo.corpus.pickled import PickledArray
from emotion_hpo.errors import CorpusError

_KEYS = ("id", "emotion", "start", "end")


def find_error(entry: object) -> str | None:
    """Return what is wrong with an entry, or None."""
    if not isinstance(entry, dict) or any(key not in entry for key in _KEYS):
        return f"a dict with {', '.join(_KEYS)} is needed"
    if not isinstance(entry["id"], str) or parse_id(entry["id"]) is None:
        return f"{str(entry['id'])[:40]!r} is no id such as Ses01F_impro01_F000"
    if not isinstance(entry["emotion"], str):
        return f"{entry['id']}: the emotion is no word"
    if not all(isinstance(entry[key], int | float) for key in ("start", "end")):
        return f"{entry['id']}: start and end are no numbers"
    return None


def count_lacking(ids: Iterable[str]) -> int:
    """Count the numbers that no id has, up to each speaker's highest in a dialogue.

    >>> count_lacking(["Ses01F_impro01_F000", "Ses01F_impro01_F003", "Ses01F_impro01_M001"])
    3
    """
    numbers: dict[str, set[int]] = {}
    for utterance_id in ids:
        dialogue, last = utterance_id.rsplit("_", 1)
        if last[1:].isdigit():
            numbers.setdefault(f"{dialogue}_{last[0]}", set()).add(int(last[1:]))
    return sum(max(of_speaker) + 1 - len(of_speaker) for of_speaker in numbers.values())


def read_array(value: object) -> NDArray[Any] | None:
    """Read the numbers of an entry; None where there are none or they cannot be read."""
    if isinstance(value, PickledArray):
        try:
            value = value.load()
        except CorpusError:
            return None
    elif isinstance(value, list):
        try:
            value = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            return None
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" else None


def is_motion(values: NDArray[Any], width: int) -> bool:
    """Whether an array is motion of that width that moves at all."""
    if values.ndim != 2 or values.shape[1] != width:
        return False
    # The first row tells, unless it is all zeros: most arrays need not be read for this.
    return bool(np.any(values[:1])) or bool(np.any(values))


def count_numbers(value: object) -> int:
    """Count the numbers of an entry without reading them."""
    if isinstance(value, PickledArray):
        return math.prod(value.shape)
    return len(value) if isinstance(value, list) else 0


def read_transcript(entry: Mapping[str, Any]) -> str | None:
    """Return the words of an entry, or None."""
    words = entry.get("transcription")
    return words.strip() or None if isinstance(words, str) else None


def read_number(value: object) -> float:
    """Return a number as a float, NaN where it is none."""
    return float(value) if isinstance(value, int | float) else math.nan


def count_votes(value: object) -> dict[str, int]:
    """Count the labels in a list of lists of labels."""
    people = value.items() if isinstance(value, PickledArray) else value
    if not isinstance(people, list):
        return {}
    listed = [labels if isinstance(labels, list) else [labels] for labels in people]
    return dict(Counter(label for labels in listed for label in labels if isinstance(label, str)))
