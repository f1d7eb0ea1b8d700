"""A trained model, ready to be asked: features as in training, networks and members combined.

An `Utterance` is what a user has; `Predictor` extracts its features, or takes those that are
ready-made, as the model's file says of each modality (`features.origin`). They are extracted once;
each member of the model reads of them what it learnt to read, as its training part was read, and
their answers are combined as `final` combines them. A modality that is not there is masked, as in
training. Networks are built once, when the model is opened, so that one utterance is answered in
milliseconds; features of many utterances are extracted on all cores.

A model with a context reads the turns of a dialogue together: all that are given at once, or, where
it reads the past alone, one after the other.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.features import TEXT
from emotion_hpo.config.turns_read import TurnsRead
from emotion_hpo.corpus.schema import COLUMNS, MOTION_PARTS, Recording
from emotion_hpo.dataset import Dataset
from emotion_hpo.dataset.batches import Reads
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.scaling import Moments
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import extract, source_of
from emotion_hpo.features.origin import SOURCES, Extraction, ReadyMade, check_weights
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.dialogue import Dialogue, Turn
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
from emotion_hpo.predict.turns import find_fault, place_turns, turn_columns
from emotion_hpo.predict.utterance import FEATURES, Answer, Arrays, Utterance
from emotion_hpo.training.learner import Learner
from emotion_hpo.training.network_learner import NetworkLearner

#: Fewer utterances than this are extracted sooner than threads start.
_FEW = 4

#: What an utterance says of its dialogue; `state` is what was said before, turn by turn.
TURN_COLUMNS = ("session", "dialogue", "speaker", "turn", "start_s", "end_s", "state")


#: Number of a member and modality → speaker → what is known of their voice.
Voices = Mapping[tuple[int, str], Mapping[str, Moments]]


@dataclass(frozen=True)
class _Member:
    """A model that is asked, and what it has learnt, built."""

    saved_model: SavedModel
    learners: tuple[Learner, ...]

    @property
    def preprocessor(self) -> Preprocessor:
        return self.saved_model.preprocessor


class Predictor:
    """A trained model, ready to be asked.

    Args:
        saved_model: The model, a single one or an ensemble.

    Raises:
        FeatureError: It reads what a pretrained model says, and that is not at hand, or another.
    """

    def __init__(self, saved_model: SavedModel | SavedEnsemble) -> None:
        if isinstance(saved_model, SavedModel):
            saved_model = SavedEnsemble((saved_model,))
        self._model = saved_model
        self._members = [_Member(part, part.build_learners()) for part in saved_model.members]
        self._origins = saved_model.origins
        features = saved_model.members[0].config.features  # all members' are extracted alike
        self._encoders = Encoders(features)
        check_weights(self._origins, features)

    @classmethod
    def open(cls, path: Path) -> "Predictor":
        """Read a model file.

        Raises:
            StudyError: It is not there, or cannot be read.
        """
        return cls(SavedEnsemble.load(path))

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions in the order of the probabilities."""
        return self._model.classes

    @property
    def columns(self) -> tuple[str, ...]:
        """What an utterance may bring: `text`, `speech`, `mocap`, and `features.NAME`."""
        extracted = {
            source_of(name, ()): None
            for name in SOURCES
            if isinstance(self._origins.get(name), Extraction)
        }
        return (*extracted, *(f"{FEATURES}{name}" for name in sorted(self.ready_made)))

    @property
    def turn_columns(self) -> tuple[str, ...]:
        """What it may say of its dialogue; its speaker alone where but a scale looks at that."""
        if self.reads:
            return TURN_COLUMNS
        return ("speaker",) if self.scales_by_speaker else ()

    @property
    def scales_by_speaker(self) -> bool:
        """Whether anything that it reads is scaled by who speaks."""
        readers = [r for member in self._members for r in member.preprocessor.readers.values()]
        return any(reader.by_speaker for reader in readers)

    @property
    def ready_made(self) -> Mapping[str, ReadyMade]:
        """Modality → the shape of the features that an utterance brings."""
        return {
            name: origin for name, origin in self._origins.items() if isinstance(origin, ReadyMade)
        }

    @property
    def n_networks(self) -> int:
        """How many trainings are combined."""
        return sum(len(member.learners) for member in self._members)

    @property
    def n_members(self) -> int:
        """How many models answer together; 1 where it is no ensemble."""
        return len(self._members)

    @property
    def reads_pretrained(self) -> bool:
        """Whether it reads what pretrained models say."""
        return any(
            isinstance(origin, Extraction) and "weights" in origin.settings
            for origin in self._origins.values()
        )

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on invented content."""
        return self._model.synthetic

    @property
    def reads(self) -> TurnsRead | None:
        """Which turns of its dialogue are read beside an utterance; None: it is read alone."""
        return self._model.turns_read

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
        arrays: dict[int, Arrays] = {}
        answers: dict[int, Answer | FeatureError] = {}
        for row, features in made.items():
            if isinstance(features, FeatureError):
                answers[row] = features
            else:
                arrays[row] = features
        usable = {row: utterances[row] for row in arrays}
        if self.reads:
            usable, faults = place_turns(usable)
            answers |= faults
        if usable:
            judged = self._ask([*usable.values()], [arrays[row] for row in usable])
            answers |= zip(usable, judged, strict=True)
        return [answers[row] for row in made]

    def unheard(self, speakers: Iterable[str]) -> set[str]:
        """Return the speakers who get a scale of their own from what is asked together."""
        readers = [r for member in self._members for r in member.preprocessor.readers.values()]
        heard = [reader.speakers for reader in readers if reader.speakers is not None]
        return {name for name in speakers if any(name not in speakers_ for speakers_ in heard)}

    def hear(self, utterances: Sequence[Utterance]) -> Voices:
        """Return the moments of unheard speakers, of those utterances that get an answer."""
        made = dict(enumerate(self._extract_all(utterances)))
        arrays = {n: part for n, part in made.items() if not isinstance(part, FeatureError)}
        usable = {n: utterances[n] for n in arrays}
        if self.reads:
            usable, _ = place_turns(usable)
        if usable:
            answers = self._ask_together([*usable.values()], [arrays[n] for n in usable], "alone")
            pairs = zip([*usable], answers, strict=True)
            usable = {n: usable[n] for n, answer in pairs if isinstance(answer, Answer)}
        if not usable:
            return {}
        read = self._read([*usable.values()], [arrays[n] for n in usable])
        return {
            (number, name): reader.moments(data.turns.utterances, name)
            for number, (member, data) in enumerate(zip(self._members, read, strict=True))
            for name, reader in member.preprocessor.readers.items()
        }

    def knowing(self, voices: Voices) -> "Predictor":
        """Return the same, speakers scaled by what was heard of them."""
        other = copy(self)
        other._members = []
        for number, member in enumerate(self._members):
            readers = {
                name: reader.knowing(voices.get((number, name), {}))
                for name, reader in member.preprocessor.readers.items()
            }
            preprocessor = replace(member.preprocessor, readers=readers)
            saved_model = replace(member.saved_model, preprocessor=preprocessor)
            other._members.append(replace(member, saved_model=saved_model))
        return other

    def begin(self) -> Dialogue:
        """A dialogue in which nothing was said yet, to be answered turn by turn.

        Raises:
            FeatureError: The model cannot do so.
        """
        if self.reads is None:
            raise FeatureError("the model reads every utterance alone: it keeps no dialogue")
        if self.reads == "both":
            raise FeatureError(
                "the model reads the turns after, too: it cannot answer while a dialogue goes on; "
                "give all turns at once, as a table or a request with a column dialogue, or train "
                "with model.context.reads=past"
            )
        widths: list[int] = []
        for member in self._members:
            for learner in member.learners if member.preprocessor.in_dialogues else ():
                if not isinstance(learner, NetworkLearner):
                    raise FeatureError(
                        "the turns before are read by a model that is no network: it keeps no "
                        "dialogue; give all turns so far at once, as a table or a request with a "
                        "column dialogue"
                    )
                widths.append(learner.network.head.units)
        return Dialogue(self._digest, tuple(widths))

    def answer_next(self, utterance: Utterance, before: Dialogue) -> tuple[Answer, Dialogue]:
        """The answer to the next turn of a dialogue, and the dialogue with it.

        Args:
            utterance: The turn; its `dialogue` and `turn` mean nothing.
            before: What `begin`, or an earlier answer, gave.

        Raises:
            FeatureError: It cannot be used; it is no turn of the dialogue then.
        """
        if fault := find_fault(utterance):
            raise FeatureError(fault)
        arrays = self._extract(utterance)
        if isinstance(arrays, FeatureError):
            raise arrays
        order, answers = before.order_to(utterance), []
        vectors: list[NDArray[np.float32]] = []
        with np.errstate(over="ignore", invalid="ignore"):  # as of many
            read = self._read([replace(utterance, dialogue=None)], [arrays])
            (modalities,) = self._present(read)
            for member, data in zip(self._members, read, strict=True):
                if not member.preprocessor.in_dialogues:
                    answers.append(member.saved_model.probabilities(data, member.learners))
                    continue
                rows = []
                for learner in member.learners:
                    assert isinstance(learner, NetworkLearner)
                    past = before.vectors(len(vectors))
                    shares, vector = learner.follow(data, 0, past, order)
                    rows.append(shares[None])
                    vectors.append(vector)
                answers.append(np.stack(rows))
        probabilities = self._model.combine(answers).mean(0)[0]
        answer = self._judged(utterance, modalities, probabilities)
        if isinstance(answer, FeatureError):
            raise answer
        turn = Turn(utterance.speaker, utterance.start_s, utterance.end_s, np.concatenate(vectors))
        return answer, replace(before, turns=(*before.turns, turn))

    @cached_property
    def _digest(self) -> str:
        return self._model.digest()

    def _ask(
        self, utterances: Sequence[Utterance], arrays: Sequence[Arrays]
    ) -> list[Answer | FeatureError]:
        """Ask for all at once; where they are read together, one without an answer is left out."""
        answers = self._ask_together(utterances, arrays)
        if self.reads is None or all(isinstance(answer, Answer) for answer in answers):
            return answers
        # What is broken may have broken its neighbours: who has no answer alone?
        alone = self._ask_together(utterances, arrays, "alone")
        usable = [row for row, answer in enumerate(alone) if isinstance(answer, Answer)]
        if len(usable) == len(alone):
            return answers
        if usable:
            again = self._ask([utterances[row] for row in usable], [arrays[row] for row in usable])
            for row, answer in zip(usable, again, strict=True):
                alone[row] = answer
        return alone

    def _ask_together(
        self, utterances: Sequence[Utterance], arrays: Sequence[Arrays], reads: Reads = "all"
    ) -> list[Answer | FeatureError]:
        # What a scale carries beyond float32 is masked like what was lost.
        with np.errstate(over="ignore", invalid="ignore"):
            read = self._read(utterances, arrays)
            present = self._present(read)
            by_member = [
                member.saved_model.probabilities(data, member.learners, reads)
                for member, data in zip(self._members, read, strict=True)
            ]
        rows = zip(utterances, present, self._model.combine(by_member).mean(0), strict=True)
        return [self._judged(*row) for row in rows]

    def _read(self, utterances: Sequence[Utterance], arrays: Sequence[Arrays]) -> list[Dataset]:
        """Read utterances as those of each member's training part were."""
        table = pd.DataFrame(
            {
                "utterance_id": [f"{index:09d}" for index in range(len(utterances))],
                "transcript": [utterance.text for utterance in utterances],
                "emotion": self.classes[0],  # a data set has labels; nobody looks at these
                **turn_columns(utterances),
            }
        ).reindex(columns=list(COLUMNS))
        places = np.stack([np.zeros(len(table), np.int64), np.arange(len(table))], axis=1)
        read = Utterances(table, self.classes, (self._shelf(arrays),), places)
        return [member.preprocessor.transform(read) for member in self._members]

    def _judged(
        self, utterance: Utterance, modalities: tuple[str, ...], probabilities: NDArray[np.float32]
    ) -> Answer | FeatureError:
        """An answer, unless it would be one from nothing."""
        if not modalities:
            why = ""
            if TEXT in self.columns and utterance.text:
                has_words = any(m.preprocessor.tokens(utterance.text) for m in self._members)
                lack = "the model knows nothing of" if has_words else "there is no word in"
                why = f"; {lack} {utterance.text[:40]!r}"
            return FeatureError(
                f"there is nothing that the model uses ({', '.join(self.columns)}){why}"
            )
        if not np.isfinite(probabilities).all():
            return FeatureError(f"the values of {', '.join(modalities)} are beyond all bounds")
        return Answer(probabilities, modalities)

    def _present(self, read: Sequence[Dataset]) -> list[tuple[str, ...]]:
        """What a member sees anything of, by utterance; of one source, once."""
        ready_made = self.ready_made
        present: list[set[str]] = [set() for _ in range(len(read[0]))]
        for data in read:
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
            with np.errstate(over="ignore", invalid="ignore"):  # samples far beyond [-1, 1]
                return extract(recording, self._stored, self._encoders, utterance.text)
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
            if isinstance(self._origins.get(name), Extraction):
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
        origins = self._origins
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
        nothing = np.zeros((0, 0), np.float32)
        return _Memory({n: [made.get(n, nothing) for made in arrays] for n in self._stored})

    @property
    def _stored(self) -> tuple[str, ...]:
        """The modalities that are arrays, rather than words as such."""
        names = (name for member in self._members for name in member.preprocessor.readers)
        return tuple(dict.fromkeys(names))


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
