"""One recording becomes arrays: which extractor serves which modality, and what counts as absent.

This is what runs in the worker processes of `store.prepare`.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.corpus.schema import Corpus, Recording
from emotion_hpo.errors import FeatureError
from emotion_hpo.features import mocap, speech
from emotion_hpo.features.marks import marks_of

#: Words are stored as transcripts: their numbers depend on the training part.
TEXT = "text"

Arrays = dict[str, NDArray[np.float32]]


class Extracted(NamedTuple):
    """What is stored of an utterance.

    Attributes:
        utterance_id: The row of the table that this belongs to.
        arrays: Modality → `(frames, dimensions)`; one that it has not is left out.
        marks: By which its recordings are known again (`marks_of`).
    """

    utterance_id: str
    arrays: Arrays
    marks: Mapping[str, str]


def extract_dialogue(
    corpus: Corpus, config: FeaturesConfig, session: str, dialogue: str
) -> Iterator[Extracted]:
    """Extract a dialogue, one utterance after the other.

    Raises:
        FeatureError: A recording cannot be used; its utterance is named.
    """
    modalities = stored_modalities(corpus)
    for recording in corpus.recordings(session, dialogue):
        try:
            arrays = extract(recording, modalities, config)
        except FeatureError as error:
            raise FeatureError(f"{recording.utterance_id}: {error}") from None
        yield Extracted(recording.utterance_id, arrays, marks_of(recording))


def stored_modalities(corpus: Corpus) -> tuple[str, ...]:
    """The modalities that are stored as arrays."""
    return tuple(modality for modality in corpus.modalities if modality != TEXT)


def extract(recording: Recording, modalities: tuple[str, ...], config: FeaturesConfig) -> Arrays:
    """What a recording holds of the modalities; ready-made features go before extraction.

    Raises:
        FeatureError: It cannot be used.
    """
    if unknown := sorted(set(recording.features) - set(modalities)):
        raise FeatureError(
            f"ready-made features {', '.join(unknown)} are not among the corpus's "
            f"({', '.join(modalities)}); `text` is for transcripts alone"
        )
    arrays = {name: _as_frames(name, values) for name, values in recording.features.items()}
    samples, motion = recording.samples, recording.motion
    if "speech" in modalities and "speech" not in arrays and samples is not None and samples.size:
        arrays["speech"] = speech.extract(samples, recording.sample_rate_hz, config.speech)
    if "mocap" in modalities and "mocap" not in arrays and motion is not None:
        parts = mocap.parts(motion, config.mocap.n_parts)
        # Motion without a single valid value is no motion.
        if not np.isnan(parts).all():
            arrays["mocap"] = parts
    return arrays


def _as_frames(modality: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ready-made features as `(frames, dimensions)`; one vector is one frame."""
    if values.ndim not in (1, 2):
        raise FeatureError(f"{modality} must be (d,) or (frames, d), but got {values.shape}")
    return np.atleast_2d(values).astype(np.float32, copy=False)
