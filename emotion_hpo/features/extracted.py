"""What is stored of an utterance, on its way from an extractor to a shard."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.faults import Fault

#: Modality → `(frames, d)`, or `(frames, layers, d)` of a pretrained model's layers.
Arrays = dict[str, NDArray[np.floating]]


class Extracted(NamedTuple):
    """What is stored of an utterance.

    Attributes:
        utterance_id: The row of the table that this belongs to.
        arrays: One that it has not is left out.
        marks: By which its recordings are known again (`compute_marks`).
        faults: Why a recording or an array of it could not be used.
    """

    utterance_id: str
    arrays: Arrays
    marks: Mapping[str, str]
    faults: tuple[Fault, ...] = ()
