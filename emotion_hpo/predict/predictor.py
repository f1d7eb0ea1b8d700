"""A trained model, ready to be asked.

An `Utterance` is what a user has. Its features are made once (`extractor.py`), the models read them
and answer together (`members.py`). A model with a context reads the turns of a dialogue together:
all that are given at once, or, where it reads the past alone, one after the other. Networks are
built once, when the model is opened, so that one utterance is answered in milliseconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.turns_read import TurnsRead
from emotion_hpo.errors import FeatureError, StudyError
from emotion_hpo.features.origin import Extraction, ReadyMade
from emotion_hpo.predict.dialogue import Dialogue
from emotion_hpo.predict.extractor import Extractor, find_ready_made, list_columns
from emotion_hpo.predict.members import Members, Voices
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
from emotion_hpo.predict.turns import find_fault, place_turns
from emotion_hpo.predict.utterance import Answer, Arrays, Utterance

#: What an utterance says of its dialogue; `state` is what was said before, turn by turn.
TURN_COLUMNS = ("session", "dialogue", "speaker", "turn", "start_s", "end_s", "state")


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
        self._members = Members.build(saved_model)
        features = saved_model.members[0].config.features  # all members' are extracted alike
        self._extractor = Extractor(saved_model.origins, features, self._members.stored)

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
        return list_columns(self._model.origins)

    @property
    def turn_columns(self) -> tuple[str, ...]:
        """What it may say of its dialogue; its speaker alone where but a scale looks at that."""
        if self.reads:
            return TURN_COLUMNS
        return ("speaker",) if self.scales_by_speaker else ()

    @property
    def scales_by_speaker(self) -> bool:
        """Whether anything that it reads is scaled by who speaks."""
        return any(reader.by_speaker for _, reader in self._members.readers())

    @property
    def ready_made(self) -> Mapping[str, ReadyMade]:
        """Modality → the shape of the features that an utterance brings."""
        return find_ready_made(self._model.origins)

    @property
    def n_networks(self) -> int:
        """How many trainings are combined."""
        return sum(len(member.learners) for member in self._members.models)

    @property
    def n_members(self) -> int:
        """How many models answer together; 1 where it is no ensemble."""
        return len(self._members.models)

    @property
    def reads_pretrained(self) -> bool:
        """Whether it reads what pretrained models say."""
        return any(
            isinstance(origin, Extraction) and "weights" in origin.settings
            for origin in self._model.origins.values()
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
        made = dict(enumerate(self._extractor.extract_all(utterances)))
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

    def onnx_inputs(self, utterances: Sequence[Utterance]) -> dict[str, NDArray[Any]]:
        """Return input → array, as the model's ONNX file reads utterances.

        Args:
            utterances: Of a model that reads dialogues the turns of one, which come out in order.

        Raises:
            FeatureError: There is none, or one has something broken; it is named by its place.
            StudyError: The model is an ensemble.
        """
        from emotion_hpo.predict.onnx_inputs import arrange_inputs

        if self.n_members > 1:
            raise StudyError("an ensemble has no ONNX file; open one of its members")
        if not utterances:
            raise FeatureError("there is no utterance to read")
        placed, faults = dict(enumerate(utterances)), dict[int, FeatureError]()
        if self.reads:
            placed, faults = place_turns(placed)
        arrays = self._extractor.extract_all([*placed.values()])
        faults |= {n: made for n, made in zip(placed, arrays, strict=True)
                   if isinstance(made, FeatureError)}  # fmt: skip
        for number, fault in sorted(faults.items()):
            raise FeatureError(f"utterance {number}: {fault}")
        usable = [made for made in arrays if not isinstance(made, FeatureError)]
        (data,) = self._members.read([*placed.values()], usable)
        return arrange_inputs(self._model.members[0].preprocessor, data)

    def unheard(self, speakers: Iterable[str]) -> set[str]:
        """Return the speakers who get a scale of their own from what is asked together."""
        readers = [reader for _, reader in self._members.readers()]
        heard = [reader.speakers for reader in readers if reader.speakers is not None]
        return {name for name in speakers if any(name not in speakers_ for speakers_ in heard)}

    def hear(self, utterances: Sequence[Utterance]) -> Voices:
        """Return the moments of unheard speakers, of those utterances that get an answer."""
        made = dict(enumerate(self._extractor.extract_all(utterances)))
        arrays = {n: part for n, part in made.items() if not isinstance(part, FeatureError)}
        usable = {n: utterances[n] for n in arrays}
        if self.reads:
            usable, _ = place_turns(usable)
        if usable:
            answers = self._members.ask([*usable.values()], [arrays[n] for n in usable], "alone")
            pairs = zip([*usable], answers, strict=True)
            usable = {n: usable[n] for n, answer in pairs if isinstance(answer, Answer)}
        if not usable:
            return {}
        read = self._members.read([*usable.values()], [arrays[n] for n in usable])
        return {
            (number, name): reader.moments(read[number].turns.utterances, name)
            for (number, name), reader in self._members.readers()
        }

    def knowing(self, voices: Voices) -> "Predictor":
        """Return the same, speakers scaled by what was heard of them."""
        other = copy(self)
        other._members = self._members.knowing(voices)
        return other

    def begin(self) -> Dialogue:
        """A dialogue in which nothing was said yet, to be answered turn by turn.

        Raises:
            FeatureError: The model cannot do so.
        """
        return self._members.begin()

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
        arrays = self._extractor.extract(utterance)
        if isinstance(arrays, FeatureError):
            raise arrays
        return self._members.answer_next(utterance, arrays, before)

    def _ask(
        self, utterances: Sequence[Utterance], arrays: Sequence[Arrays]
    ) -> list[Answer | FeatureError]:
        """Ask for all at once; where they are read together, one without an answer is left out."""
        answers = self._members.ask(utterances, arrays)
        if self.reads is None or all(isinstance(answer, Answer) for answer in answers):
            return answers
        # What is broken may have broken its neighbours: who has no answer alone?
        alone = self._members.ask(utterances, arrays, "alone")
        usable = [row for row, answer in enumerate(alone) if isinstance(answer, Answer)]
        if len(usable) == len(alone):
            return answers
        if usable:
            again = self._ask([utterances[row] for row in usable], [arrays[row] for row in usable])
            for row, answer in zip(usable, again, strict=True):
                alone[row] = answer
        return alone
