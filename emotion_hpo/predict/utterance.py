"""What is known of an utterance that a model is asked about, and what the model says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.dataset.scaling import UNKNOWN_SPEAKER

#: Before the name of a modality that an utterance brings as arrays.
FEATURES = "features."

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Utterance:
    """What is known of an utterance; at least one of text, samples, motion and features.

    Attributes:
        text: Its words.
        samples: Its waveform, float32 `(n,)` in [-1, 1].
        sample_rate_hz: Of `samples`.
        motion: Its motion capture `(frames, 189)`: head 6, hand 18, face 165; NaN where lost.
        speaker: Who speaks, if that is known: scales by speaker and contexts read it.
        features: Ready-made features by modality, `(d,)` or `(frames, d)`; NaN where lost.
        dialogue: Of which dialogue it is a turn, for models that read the others beside it.
        turn: Its place in the dialogue, counted from anywhere.
        start_s: When it starts, in seconds of the dialogue.
        end_s: When it ends.
    """

    text: str | None = None
    samples: NDArray[np.float32] | None = None
    sample_rate_hz: int = 16_000
    motion: NDArray[np.float32] | None = None
    speaker: str = UNKNOWN_SPEAKER
    features: Arrays = field(default_factory=dict)
    dialogue: str | None = None
    turn: float | None = None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a model says of an utterance.

    Attributes:
        probabilities: Of each class `(classes,)`.
        modalities: What it was answered from, sorted; the others were missing. All that is made of
            a recording counts as `speech`.
    """

    probabilities: NDArray[np.float32]
    modalities: tuple[str, ...]
