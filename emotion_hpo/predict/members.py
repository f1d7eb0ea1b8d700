"""The models that answer together: the members of an ensemble, or one.

Of features that are extracted once, each reads what it learnt to read, as its training part was
read; their answers are combined as `final` combines them. A modality that is not there is masked,
as in training. Networks are built once. While a dialogue goes on, each turn is answered from what
was kept of those before (`dialogue.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.features import TEXT
from emotion_hpo.corpus.schema import COLUMNS
from emotion_hpo.dataset import Dataset
from emotion_hpo.dataset.batches import Reads
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.scaling import FeatureReader, Moments
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import source_of
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.dialogue import Dialogue, Turn
from emotion_hpo.predict.extractor import find_ready_made, list_columns
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
from emotion_hpo.predict.turns import turn_columns
from emotion_hpo.predict.utterance import Answer, Arrays, Utterance
from emotion_hpo.training.learner import Learner
from emotion_hpo.training.network_learner import NetworkLearner

#: Number of a member and modality → speaker → what is known of their voice.
Voices = Mapping[tuple[int, str], Mapping[str, Moments]]


@dataclass(frozen=True)
class Member:
    """A model that is asked, and what it has learnt, built."""

    saved_model: SavedModel
    learners: tuple[Learner, ...]

    @property
    def preprocessor(self) -> Preprocessor:
        """What makes batches of features."""
        return self.saved_model.preprocessor


@dataclass(frozen=True)
class Members:
    """Models that answer together.

    Attributes:
        ensemble: As it is stored, which says how answers are combined.
        models: Each of them, built.
    """

    ensemble: SavedEnsemble
    models: tuple[Member, ...]

    @classmethod
    def build(cls, ensemble: SavedEnsemble) -> "Members":
        """Build every network."""
        return cls(
            ensemble, tuple(Member(each, each.build_learners()) for each in ensemble.members)
        )

    @property
    def stored(self) -> tuple[str, ...]:
        """The modalities that are arrays, rather than words as such."""
        names = (name for member in self.models for name in member.preprocessor.readers)
        return tuple(dict.fromkeys(names))

    def readers(self) -> Iterator[tuple[tuple[int, str], FeatureReader]]:
        """Yield what reads a modality, by the number of the member and that modality."""
        for number, member in enumerate(self.models):
            for name, reader in member.preprocessor.readers.items():
                yield (number, name), reader

    def read(self, utterances: Sequence[Utterance], arrays: Sequence[Arrays]) -> list[Dataset]:
        """Read utterances as those of each member's training part were."""
        classes = self.ensemble.classes
        table = pd.DataFrame(
            {
                "utterance_id": [f"{index:09d}" for index in range(len(utterances))],
                "transcript": [utterance.text for utterance in utterances],
                "emotion": classes[0],  # a data set has labels; nobody looks at these
                **turn_columns(utterances),
            }
        ).reindex(columns=list(COLUMNS))
        places = np.stack([np.zeros(len(table), np.int64), np.arange(len(table))], axis=1)
        read = Utterances(table, classes, (self._shelf(arrays),), places)
        return [member.preprocessor.transform(read) for member in self.models]

    def ask(
        self, utterances: Sequence[Utterance], arrays: Sequence[Arrays], reads: Reads = "all"
    ) -> list[Answer | FeatureError]:
        """Return the answers to utterances that are read together."""
        # What a scale carries beyond float32 is masked like what was lost.
        with np.errstate(over="ignore", invalid="ignore"):
            read = self.read(utterances, arrays)
            present = self.present(read)
            by_member = [
                member.saved_model.probabilities(data, member.learners, reads)
                for member, data in zip(self.models, read, strict=True)
            ]
        rows = zip(utterances, present, self.ensemble.combine(by_member).mean(0), strict=True)
        return [self.judge(*row) for row in rows]

    def present(self, read: Sequence[Dataset]) -> list[tuple[str, ...]]:
        """Return what a member sees anything of, by utterance; of one source, once."""
        ready_made = find_ready_made(self.ensemble.origins)
        present: list[set[str]] = [set() for _ in range(len(read[0]))]
        for data in read:
            for name, is_present in data.presence().items():
                for row in np.flatnonzero(is_present):
                    present[row].add(source_of(name, ready_made))
        return [tuple(sorted(names)) for names in present]

    def judge(
        self, utterance: Utterance, modalities: tuple[str, ...], probabilities: NDArray[np.float32]
    ) -> Answer | FeatureError:
        """Return an answer, unless it would be one from nothing."""
        if not modalities:
            columns, why = list_columns(self.ensemble.origins), ""
            if TEXT in columns and utterance.text:
                has_words = any(m.preprocessor.tokens(utterance.text) for m in self.models)
                lack = "the model knows nothing of" if has_words else "there is no word in"
                why = f"; {lack} {utterance.text[:40]!r}"
            return FeatureError(f"there is nothing that the model uses ({', '.join(columns)}){why}")
        if not np.isfinite(probabilities).all():
            return FeatureError(f"the values of {', '.join(modalities)} are beyond all bounds")
        return Answer(probabilities, modalities)

    def knowing(self, voices: Voices) -> "Members":
        """Return the same, speakers scaled by what was heard of them."""
        models = []
        for number, member in enumerate(self.models):
            readers = {
                name: reader.knowing(voices.get((number, name), {}))
                for name, reader in member.preprocessor.readers.items()
            }
            preprocessor = replace(member.preprocessor, readers=readers)
            saved_model = replace(member.saved_model, preprocessor=preprocessor)
            models.append(replace(member, saved_model=saved_model))
        return replace(self, models=tuple(models))

    def begin(self) -> Dialogue:
        """Return a dialogue in which nothing was said yet.

        Raises:
            FeatureError: The models cannot follow one, turn by turn.
        """
        reads = self.ensemble.turns_read
        if reads is None:
            raise FeatureError("the model reads every utterance alone: it keeps no dialogue")
        if reads == "both":
            raise FeatureError(
                "the model reads the turns after, too: it cannot answer while a dialogue goes on; "
                "give all turns at once, as a table or a request with a column dialogue, or train "
                "with model.context.reads=past"
            )
        widths: list[int] = []
        for member in self.models:
            for learner in member.learners if member.preprocessor.in_dialogues else ():
                if not isinstance(learner, NetworkLearner):
                    raise FeatureError(
                        "the turns before are read by a model that is no network: it keeps no "
                        "dialogue; give all turns so far at once, as a table or a request with a "
                        "column dialogue"
                    )
                widths.append(learner.network.head.units)
        return Dialogue(self._digest, tuple(widths))

    def answer_next(
        self, utterance: Utterance, arrays: Arrays, before: Dialogue
    ) -> tuple[Answer, Dialogue]:
        """Return the answer to the next turn of a dialogue, and the dialogue with it.

        Raises:
            FeatureError: There is none; it is no turn of the dialogue then.
        """
        order, answers = before.order_to(utterance), []
        vectors: list[NDArray[np.float32]] = []
        with np.errstate(over="ignore", invalid="ignore"):  # as of many
            read = self.read([replace(utterance, dialogue=None)], [arrays])
            (modalities,) = self.present(read)
            for member, data in zip(self.models, read, strict=True):
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
        probabilities = self.ensemble.combine(answers).mean(0)[0]
        answer = self.judge(utterance, modalities, probabilities)
        if isinstance(answer, FeatureError):
            raise answer
        turn = Turn(utterance.speaker, utterance.start_s, utterance.end_s, np.concatenate(vectors))
        return answer, replace(before, turns=(*before.turns, turn))

    @cached_property
    def _digest(self) -> str:
        return self.ensemble.digest()

    def _shelf(self, arrays: Sequence[Arrays]) -> "_Memory":
        nothing = np.zeros((0, 0), np.float32)
        return _Memory({name: [made.get(name, nothing) for made in arrays] for name in self.stored})


@dataclass(frozen=True)
class _Memory:
    """Features of utterances that no shard holds."""

    features: Mapping[str, Sequence[NDArray[np.float32]]]
    extracted: frozenset[str] = frozenset()
