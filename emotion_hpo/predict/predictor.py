"""A trained model, ready to be asked: features as in training, networks averaged.

An `Utterance` is what a user has; `Predictor` extracts its features, or takes those that are
ready-made, as the model's file says of each modality (`features.origin`), reads them as the
training part was read, and averages the networks of the model. A modality that is not there is
masked, as in training. Networks are built once, when the model is opened, so that one utterance is
answered in milliseconds; features of many utterances are extracted on all cores.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.features import TEXT
from emotion_hpo.corpus.schema import COLUMNS, MOTION_PARTS, Recording
from emotion_hpo.dataset import Dataset
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import extract, source_of
from emotion_hpo.features.origin import SOURCES, Extraction, ReadyMade
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.saved_model import SavedModel

#: Fewer utterances than this are extracted sooner than threads start.
_FEW = 4

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
        speaker: Who speaks, if that is known: scales by speaker need it.
        features: Ready-made features by modality, `(d,)` or `(frames, d)`; NaN where lost.
    """

    text: str | None = None
    samples: NDArray[np.float32] | None = None
    sample_rate_hz: int = 16_000
    motion: NDArray[np.float32] | None = None
    speaker: str = "unknown"
    features: Arrays = field(default_factory=dict)


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


class Predictor:
    """A trained model, ready to be asked.

    Args:
        saved_model: The model.
    """

    def __init__(self, saved_model: SavedModel) -> None:
        self._saved_model = saved_model
        self._learners = saved_model.build_learners()

    @classmethod
    def open(cls, path: Path) -> "Predictor":
        """Read a model file.

        Raises:
            StudyError: It is not there, or cannot be read.
        """
        return cls(SavedModel.load(path))

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions in the order of the probabilities."""
        return self._saved_model.classes

    @property
    def columns(self) -> tuple[str, ...]:
        """What an utterance may bring: `text`, `speech`, `mocap`, and `features.NAME`."""
        origins = self._saved_model.origins
        extracted = {
            source_of(name, ()): None
            for name in SOURCES
            if isinstance(origins.get(name), Extraction)
        }
        return (*extracted, *(f"{FEATURES}{name}" for name in sorted(self.ready_made)))

    @property
    def ready_made(self) -> Mapping[str, ReadyMade]:
        """Modality → the shape of the features that an utterance brings."""
        return {
            name: origin
            for name, origin in self._saved_model.origins.items()
            if isinstance(origin, ReadyMade)
        }

    @property
    def n_networks(self) -> int:
        """How many trainings are averaged."""
        return len(self._learners)

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on invented content."""
        return self._saved_model.synthetic

    def __call__(self, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
        """Class probabilities `(n, classes)`.

        Raises:
            FeatureError: An utterance has nothing that the model can use, or something broken; it
                is named by its place.
        """
        answers = self.answer(utterances)
        for index, answer in enumerate(answers):
            if isinstance(answer, FeatureError):
                raise FeatureError(f"utterance {index}: {answer}") from None
        rows = [answer.probabilities for answer in answers if isinstance(answer, Answer)]
        return np.stack(rows) if rows else np.zeros((0, len(self.classes)), np.float32)

    def answer(self, utterances: Sequence[Utterance]) -> list[Answer | FeatureError]:
        """The answer to each utterance, or why it has none; those that have are asked together."""
        made = dict(enumerate(self._extract_all(utterances)))
        answers: dict[int, Answer | FeatureError] = {
            row: error for row, error in made.items() if isinstance(error, FeatureError)
        }
        arrays = {
            row: features
            for row, features in made.items()
            if not isinstance(features, FeatureError)
        }
        if arrays:
            judged = self._ask([utterances[row] for row in arrays], list(arrays.values()))
            answers |= zip(arrays, judged, strict=True)
        return [answers[row] for row in made]

    def _ask(
        self, utterances: Sequence[Utterance], arrays: Sequence[Arrays]
    ) -> list[Answer | FeatureError]:
        table = pd.DataFrame(
            {
                "utterance_id": [f"{index:09d}" for index in range(len(utterances))],
                "speaker": [utterance.speaker for utterance in utterances],
                "transcript": [utterance.text for utterance in utterances],
                "emotion": self.classes[0],  # a data set has labels; nobody looks at these
            }
        ).reindex(columns=list(COLUMNS))
        places = np.stack([np.zeros(len(table), np.int64), np.arange(len(table))], axis=1)
        read = Utterances(table, self.classes, (self._shelf(arrays),), places)
        # What a scale carries beyond float32 is masked like what was lost.
        with np.errstate(over="ignore", invalid="ignore"):
            data = self._saved_model.preprocessor.transform(read)
            present = self._present(data)
            probabilities = self._saved_model.probabilities(data, self._learners).mean(0)
        return [
            self._judged(utterance, modalities, row)
            for utterance, modalities, row in zip(utterances, present, probabilities, strict=True)
        ]

    def _judged(
        self, utterance: Utterance, modalities: tuple[str, ...], probabilities: NDArray[np.float32]
    ) -> Answer | FeatureError:
        """An answer, unless it would be one from nothing."""
        if not modalities:
            why = ""
            if TEXT in self.columns and utterance.text:
                has_words = self._tokens(utterance.text)
                lack = "the model knows nothing of" if has_words else "there is no word in"
                why = f"; {lack} {utterance.text[:40]!r}"
            return FeatureError(
                f"there is nothing that the model uses ({', '.join(self.columns)}){why}"
            )
        if not np.isfinite(probabilities).all():
            return FeatureError(f"the values of {', '.join(modalities)} are beyond all bounds")
        return Answer(probabilities, modalities)

    def _tokens(self, text: str) -> list[str]:
        return self._saved_model.preprocessor.tokens(text)

    def _present(self, data: Dataset) -> list[tuple[str, ...]]:
        """What a network sees anything of, by utterance; of one source, once."""
        ready_made = self.ready_made
        present: list[set[str]] = [set() for _ in range(len(data))]
        for name, is_present in data.presence().items():
            for row in np.flatnonzero(is_present):
                present[row].add(source_of(name, ready_made))
        return [tuple(sorted(names)) for names in present]

    def _extract_all(self, utterances: Sequence[Utterance]) -> list[Arrays | FeatureError]:
        """Features of each; NumPy and SciPy let threads run at once where the time is spent."""
        if len(utterances) < _FEW:
            return [self._extract(utterance) for utterance in utterances]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self._extract, utterances))

    def _extract(self, utterance: Utterance) -> Arrays | FeatureError:
        try:
            ready_made = self._ready_made(utterance)
            self._check_sources(utterance)
            recording = Recording(
                "",
                samples=utterance.samples,
                sample_rate_hz=utterance.sample_rate_hz,
                motion=None if utterance.motion is None else _parts(utterance.motion),
                features=ready_made,
            )
            modalities = tuple(self._saved_model.preprocessor.readers)
            with np.errstate(over="ignore", invalid="ignore"):  # samples far beyond [-1, 1]
                return extract(recording, modalities, self._saved_model.config.features)
        except FeatureError as error:
            return error

    def _ready_made(self, utterance: Utterance) -> dict[str, NDArray[np.float32]]:
        """The arrays that an utterance brings, as frames.

        Raises:
            FeatureError: The model takes no such features, or in another shape.
        """
        shapes = self.ready_made
        if unknown := sorted(utterance.features.keys() - shapes.keys()):
            name, takes = unknown[0], ", ".join(self.columns)
            if isinstance(self._saved_model.origins.get(name), Extraction):
                raise FeatureError(
                    f"{FEATURES}{name}: the model extracts {name} itself; give {SOURCES[name]} "
                    f"instead (it takes {takes})"
                )
            raise FeatureError(f"{FEATURES}{name}: the model reads no {name} (it takes {takes})")
        return {
            name: shapes[name].frames(name, values) for name, values in utterance.features.items()
        }

    def _check_sources(self, utterance: Utterance) -> None:
        """Refuse to extract what cannot be made as it was made in training.

        Raises:
            FeatureError: The model learnt all that is made of it from ready-made features, or from
                those of another version of the extractors.
        """
        origins = self._saved_model.origins
        sources = {"text": utterance.text, "speech": utterance.samples, "mocap": utterance.motion}
        for name in SOURCES:
            source = sources[source_of(name, ())]
            origin = origins.get(name)
            if source is None or origin is None or name in utterance.features:
                continue
            if isinstance(origin, Extraction):
                origin.check(name)
            elif not isinstance(origins.get(source_of(name, ())), Extraction):
                raise FeatureError(
                    f"{name}: the model was trained on ready-made features of {origin.shape}, "
                    f"which cannot be made from {SOURCES[name]} here; give {FEATURES}{name}"
                )

    def _shelf(self, arrays: Sequence[Arrays]) -> "_Memory":
        features = {
            name: [made.get(name, np.zeros((0, reader.dimensions), np.float32)) for made in arrays]
            for name, reader in self._saved_model.preprocessor.readers.items()
        }
        return _Memory(features)


@dataclass(frozen=True)
class _Memory:
    """Features of utterances that no shard holds."""

    features: Mapping[str, Sequence[NDArray[np.float32]]]
    extracted: frozenset[str] = frozenset()


def _parts(motion: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Motion by part.

    Raises:
        FeatureError: It has not as many columns as all parts together.
    """
    width = sum(MOTION_PARTS.values())
    if motion.ndim != 2 or motion.shape[1] != width:
        raise FeatureError(f"motion must be (frames, {width}), but is {motion.shape}")
    ends = np.cumsum(list(MOTION_PARTS.values()))
    return dict(zip(MOTION_PARTS, np.split(motion, ends[:-1], axis=1), strict=True))
