"""One recording becomes arrays: which extractor serves which modality, and what counts as absent.

This is what runs in the worker processes of `store.prepare`.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import FUNCTIONALS, SPEECH, TEXT, TEXT_FACTORS, FeaturesConfig
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import Corpus, Recording
from emotion_hpo.errors import ConfigError, FeatureError, UnusableError, unknown_name
from emotion_hpo.features import mocap, speech
from emotion_hpo.features.marks import compute_marks

#: Part of every key: raise it whenever an extractor's output changes.
FEATURES_VERSION = 3

#: A further view → the modality that is made of the same source, by whose name people know it.
_VIEWS: Mapping[str, str] = {FUNCTIONALS: SPEECH, TEXT_FACTORS: TEXT}

Arrays = dict[str, NDArray[np.float32]]


class Extracted(NamedTuple):
    """What is stored of an utterance.

    Attributes:
        utterance_id: The row of the table that this belongs to.
        arrays: Modality → `(frames, dimensions)`; one that it has not is left out.
        marks: By which its recordings are known again (`compute_marks`).
        faults: Why a recording or an array of it could not be used.
    """

    utterance_id: str
    arrays: Arrays
    marks: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


def extract_dialogue(
    corpus: Corpus, config: FeaturesConfig, session: str, dialogue: str
) -> Iterator[Extracted]:
    """Extract a dialogue, one utterance after the other.

    Raises:
        FeatureError: The extractor cannot work as configured; an utterance is named.
    """
    modalities = stored_modalities(corpus, config)
    for recording in corpus.recordings(session, dialogue):
        utterance_id, faults = recording.utterance_id, list(recording.faults)
        try:
            arrays, reasons = _usable(recording, modalities, config)
        except FeatureError as error:
            raise FeatureError(f"{utterance_id}: {error}") from None
        kinds = {modality: f"no {modality}: {reason}" for modality, reason in reasons.items()}
        for modality in recording.features.keys() & arrays.keys():
            if np.isnan(arrays[modality]).any():
                kinds[modality] = f"ready-made {modality} with values that are not finite, masked"
        for modality, kind in sorted(kinds.items()):
            source = recording.sources.get(modality)
            faults.append(Fault(kind, f"{source}, {utterance_id}" if source else utterance_id))
        yield Extracted(utterance_id, arrays, compute_marks(recording), tuple(faults))


def all_modalities(corpus: Corpus, config: FeaturesConfig) -> tuple[str, ...]:
    """Return the corpus's modalities, and further views that are made of what it has."""
    has_factors = config.text_factors is not None and TEXT in corpus.modalities
    return (*shard_modalities(corpus, config), *([TEXT_FACTORS] * has_factors))


def shard_modalities(corpus: Corpus, config: FeaturesConfig) -> tuple[str, ...]:
    """Return the modalities that a shard holds: words in its table, others as arrays.

    They are the corpus's, and `functionals` where they are made of its recordings.
    """
    has_recordings = SPEECH in corpus.modalities and SPEECH not in corpus.ready_made
    if config.functionals is None or not has_recordings or FUNCTIONALS in corpus.modalities:
        return corpus.modalities
    return (*corpus.modalities, FUNCTIONALS)


def stored_modalities(corpus: Corpus, config: FeaturesConfig) -> tuple[str, ...]:
    """Return the modalities that are stored as arrays."""
    return tuple(modality for modality in shard_modalities(corpus, config) if modality != TEXT)


def source_of(modality: str, ready_made: Collection[str]) -> str:
    """Return the modality by which people know what one is made of; often itself.

    >>> source_of("functionals", ()), source_of("functionals", ["functionals"])
    ('speech', 'functionals')
    """
    return modality if modality in ready_made else _VIEWS.get(modality, modality)


def check_sections(config: FeaturesConfig, corpus: Corpus) -> None:
    """Refuse settings of a modality that the corpus does not have.

    Raises:
        ConfigError: With the nearest name.
    """
    known = {*type(config).model_fields, *corpus.modalities}
    errors = [
        f"features.{name}: {unknown_name(f'modality of corpus {corpus.name}', name, known)}"
        for name in config.ready_made
        if name not in corpus.modalities
    ]
    if errors:
        raise ConfigError("\n".join(errors))


def extract(recording: Recording, modalities: tuple[str, ...], config: FeaturesConfig) -> Arrays:
    """Extract a recording's modalities; ready-made features go before extraction.

    Raises:
        FeatureError: It cannot be used.
    """
    arrays, reasons = _usable(recording, modalities, config)
    for modality, reason in reasons.items():
        raise UnusableError(f"{modality}: {reason}")
    return arrays


def _usable(
    recording: Recording, modalities: tuple[str, ...], config: FeaturesConfig
) -> tuple[Arrays, dict[str, str]]:
    """Return the arrays of a recording, and by modality why what it brings cannot be used.

    Raises:
        FeatureError: It brings what the corpus does not announce, or the extractor cannot work.
    """
    if unknown := sorted(set(recording.features) - set(modalities)):
        raise FeatureError(
            f"ready-made features {', '.join(unknown)} are not among the corpus's "
            f"({', '.join(modalities)}); `text` is for transcripts alone"
        )
    arrays: Arrays = {}
    reasons: dict[str, str] = {}
    for modality in modalities:
        try:
            values = _array(recording, modality, config)
        except UnusableError as error:
            reasons[source_of(modality, recording.features)] = str(error)
        else:
            if values is not None:
                arrays[modality] = values
    return arrays, reasons


def _array(
    recording: Recording, modality: str, config: FeaturesConfig
) -> NDArray[np.float32] | None:
    """One modality of a recording `(frames, dimensions)`, or None if it was not recorded."""
    samples, motion = recording.samples, recording.motion
    if (ready_made := recording.features.get(modality)) is not None:
        return _as_frames(modality, ready_made)
    if modality == "speech" and samples is not None and samples.size:
        return speech.extract(samples, recording.sample_rate_hz, config.speech)
    if modality == FUNCTIONALS and config.functionals and samples is not None and samples.size:
        return speech.extract(samples, recording.sample_rate_hz, config.functionals)
    if modality == "mocap" and motion is not None:
        parts = mocap.parts(motion, config.mocap.n_parts)
        # Motion without a single valid value is no motion.
        return None if np.isnan(parts).all() else parts
    return None


def _as_frames(modality: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ready-made features as `(frames, dimensions)`; one vector is one frame, infinity is NaN.

    Raises:
        FeatureError: They have another shape.
        UnusableError: No value is a number.
    """
    if values.ndim not in (1, 2):
        raise FeatureError(f"{modality} must be (d,) or (frames, d), but got {values.shape}")
    frames = np.atleast_2d(values).astype(np.float32, copy=False)
    if not frames.size:
        raise UnusableError("the ready-made features have no frame")
    is_finite = np.isfinite(frames)
    if not is_finite.any():
        raise UnusableError("no value of the ready-made features is finite")
    return np.where(is_finite, frames, np.float32(np.nan))
