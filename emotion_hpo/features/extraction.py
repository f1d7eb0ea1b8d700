"""One recording becomes arrays: which extractor serves which modality, and what counts as absent.

This is what runs in the worker processes of `store.prepare`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import (
    FUNCTIONALS,
    SPEECH,
    SPEECH_ENCODER,
    TEXT,
    TEXT_ENCODER,
    TEXT_FACTORS,
    FeaturesConfig,
    PretrainedSpeech,
)
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import Corpus, Recording
from emotion_hpo.errors import ConfigError, FeatureError, UnusableError, unknown_name
from emotion_hpo.features import mocap, speech
from emotion_hpo.features.extracted import Arrays, Extracted
from emotion_hpo.features.marks import compute_marks
from emotion_hpo.features.pretrained.encoders import Encoded, Encoders

#: Part of every key: raise it whenever an extractor's output changes.
FEATURES_VERSION = 3

#: A further view → the modality that is made of the same source, by whose name people know it.
_VIEWS: Mapping[str, str] = {
    FUNCTIONALS: SPEECH, SPEECH_ENCODER: SPEECH, TEXT_FACTORS: TEXT, TEXT_ENCODER: TEXT,
}  # fmt: skip

#: All that is made of a recording.
RECORDED = frozenset({SPEECH, *(view for view, source in _VIEWS.items() if source == SPEECH)})

#: Seconds of recordings that are read at once for a pretrained model: enough for full batches.
_READ_AT_ONCE_S = 60.0


def extract_dialogue(
    corpus: Corpus,
    encoders: Encoders,
    session: str,
    dialogue: str,
    transcripts: Mapping[str, str | None],
) -> Iterator[Extracted]:
    """Extract a dialogue, one utterance after the other; for a pretrained model, some at once.

    Args:
        corpus: What to read.
        encoders: What to extract, and the pretrained models of it.
        session: Of the dialogue.
        dialogue: Which.
        transcripts: Of its utterances, by id.

    Raises:
        FeatureError: The extractor cannot work as configured; an utterance is named.
    """
    modalities = stored_modalities(corpus, encoders.features)
    recordings: Iterable[Recording] = corpus.recordings(session, dialogue)
    most_s = _READ_AT_ONCE_S if len(encoders) else 0.0
    for group in _groups(recordings, most_s):
        texts = [transcripts.get(recording.utterance_id) for recording in group]
        encodings = encoders.encode(group, texts, modalities)
        for recording, encoded in zip(group, encodings, strict=True):
            yield _extract_utterance(recording, modalities, encoders.features, encoded)


def _groups(recordings: Iterable[Recording], most_s: float) -> Iterator[list[Recording]]:
    """Runs of recordings that together last no longer than so many seconds, or are single."""
    group: list[Recording] = []
    seconds = 0.0
    for recording in recordings:
        samples = recording.samples
        lasts_s = 0.0 if samples is None else len(samples) / recording.sample_rate_hz
        if group and (seconds + lasts_s > most_s or not most_s):
            yield group
            group, seconds = [], 0.0
        group.append(recording)
        seconds += lasts_s
    if group:
        yield group


def _extract_utterance(
    recording: Recording,
    modalities: tuple[str, ...],
    config: FeaturesConfig,
    encoded: Mapping[str, Encoded],
) -> Extracted:
    utterance_id, faults = recording.utterance_id, list(recording.faults)
    try:
        arrays, reasons = _usable(recording, modalities, config, encoded)
    except FeatureError as error:
        raise FeatureError(f"{utterance_id}: {error}") from None
    kinds = {modality: f"no {modality}: {reason}" for modality, reason in reasons.items()}
    for modality in recording.features.keys() & arrays.keys():
        if np.isnan(arrays[modality]).any():
            kinds[modality] = f"ready-made {modality} with values that are not finite, masked"
    for modality, kind in sorted(kinds.items()):
        source = recording.sources.get(modality)
        faults.append(Fault(kind, f"{source}, {utterance_id}" if source else utterance_id))
    return Extracted(utterance_id, arrays, compute_marks(recording), tuple(faults))


def all_modalities(corpus: Corpus, config: FeaturesConfig) -> tuple[str, ...]:
    """Return the corpus's modalities, and further views that are made of what it has."""
    recorded = {*corpus.modalities} - {*corpus.ready_made}
    views = [
        view
        for view, source in _VIEWS.items()
        if source in recorded and config.section(view) and view not in corpus.modalities
    ]
    return (*corpus.modalities, *views)


def shard_modalities(corpus: Corpus, config: FeaturesConfig) -> tuple[str, ...]:
    """Return the modalities that a shard holds: all but those that a training part decides."""
    return tuple(name for name in all_modalities(corpus, config) if name != TEXT_FACTORS)


def stored_modalities(corpus: Corpus, config: FeaturesConfig) -> tuple[str, ...]:
    """Return the modalities that are stored as arrays: all, but words as such."""
    modalities = shard_modalities(corpus, config)
    return tuple(name for name in modalities if name != TEXT or TEXT in config.pretrained)


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


def extract(
    recording: Recording,
    modalities: tuple[str, ...],
    encoders: Encoders,
    transcript: str | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Extract an utterance's modalities `(frames, dimensions)`; ready-made features go before.

    Raises:
        FeatureError: It cannot be used.
    """
    (encoded,) = encoders.encode([recording], [transcript], modalities)
    arrays, reasons = _usable(recording, modalities, encoders.features, encoded)
    for modality, reason in reasons.items():
        raise UnusableError(f"{modality}: {reason}")
    return {
        modality: array.reshape(len(array), -1).astype(np.float32, copy=False)
        for modality, array in arrays.items()
    }


def _usable(
    recording: Recording,
    modalities: tuple[str, ...],
    config: FeaturesConfig,
    encoded: Mapping[str, Encoded],
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
            values = _array(recording, modality, config, encoded.get(modality))
        except UnusableError as error:
            reasons[source_of(modality, recording.features)] = str(error)
        else:
            if values is not None:
                arrays[modality] = values
    return arrays, reasons


def _array(
    recording: Recording, modality: str, config: FeaturesConfig, encoded: Encoded | None
) -> NDArray[np.floating] | None:
    """One modality of a recording `(frames, dimensions)`, or None if it was not recorded."""
    samples, motion = recording.samples, recording.motion
    if (ready_made := recording.features.get(modality)) is not None:
        return _as_frames(modality, ready_made)
    if isinstance(encoded, UnusableError):
        raise encoded
    if encoded is not None or modality in config.pretrained:
        return encoded
    if modality == SPEECH and samples is not None and samples.size:
        assert not isinstance(config.speech, PretrainedSpeech), "encoded above"
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
