"""A trained model with all that is needed to use it, in one file without pickled code.

Several trainings of one configuration, from different seeds, are one model: their probabilities
are averaged. Several models that answer together are a `SavedEnsemble`, and so is a single one:
whoever asks a model asks that. It computes in float32, whatever it was trained in: bfloat16 rounds
an utterance by what else is in its batch, so that `final`, and a user who asks for less at once,
would each have answers of their own.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config import ExperimentConfig, NetworkModel, build, dump
from emotion_hpo.config.turns_read import TurnsRead, find_turns_read
from emotion_hpo.dataset.batches import Dataset, Reads
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.errors import StudyError
from emotion_hpo.features.origin import Origin, plain_origins, read_origins
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.metrics.combination import combine_by_seed
from emotion_hpo.predict.stored_preprocessor import plain_preprocessor, read_preprocessor
from emotion_hpo.study import write_bytes
from emotion_hpo.training.learner import Learner, build_learner

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class SavedModel:
    """A trained model.

    Attributes:
        config: What was trained.
        preprocessor: How utterances are read.
        classes: Emotions in the order of the probabilities.
        networks: State of each training, whatever the learner.
        origins: How each modality that is read was made.
        synthetic: Whether it was trained on invented content.
    """

    config: ExperimentConfig
    preprocessor: Preprocessor
    classes: tuple[str, ...]
    networks: tuple[Mapping[str, Tensor], ...]
    origins: Mapping[str, Origin]
    synthetic: bool

    def build_learners(self) -> tuple[Learner, ...]:
        """The trained models, ready to answer.

        Raises:
            StudyError: A state is not that of such a model.
        """
        learners, n_classes = [], len(self.classes)
        # So that an answer depends neither on the machine nor on what is asked beside it, but for
        # its last digits; and an utterance alone takes less time than in bfloat16
        training = self.config.training.model_copy(update={"precision": "float32"})
        config = self.config.model_copy(update={"training": training})
        for state in self.networks:
            learner = build_learner(config, self.preprocessor, n_classes, seed=0, blank=True)
            learner.load(state)
            learners.append(learner)
        return tuple(learners)

    def probabilities(
        self,
        data: Dataset,
        learners: Sequence[Learner] | None = None,
        reads: Reads = "all",
    ) -> Probabilities:
        """Class probabilities of each training `(trainings, n, classes)`.

        Args:
            data: The utterances.
            learners: What `build_learners` gave, if it was called before.
            reads: How much of its dialogue is read beside each, at most what the model reads.
        """
        built = self.build_learners() if learners is None else learners
        return np.stack([learner.probabilities(data, reads) for learner in built])

    def digest(self) -> str:
        """Return what changes whenever a weight does."""
        digest = hashlib.sha256()
        for state in self.networks:
            for name, value in state.items():
                digest.update(name.encode())
                digest.update(value.numpy().tobytes())
        return digest.hexdigest()

    def to_plain(self) -> dict[str, Any]:
        """Return it as a model's file holds it."""
        return {
            "config": dump(self.config),
            "preprocessor": plain_preprocessor(self.preprocessor),
            "classes": list(self.classes),
            "networks": [dict(state) for state in self.networks],
            "origins": plain_origins(self.origins),
            "synthetic": self.synthetic,
        }

    @classmethod
    def from_plain(cls, stored: Mapping[str, Any]) -> "SavedModel":
        """Read it back; what is broken raises errors of any kind."""
        saved_model = cls(
            build(ExperimentConfig, stored["config"]),
            read_preprocessor(stored["preprocessor"]),
            tuple(stored["classes"]),
            tuple(stored["networks"]),
            read_origins(stored["origins"]),
            bool(stored["synthetic"]),
        )
        if not isinstance(saved_model.config.model, NetworkModel):
            saved_model.build_learners()  # refuses a state that holds what none does
        return saved_model

    def save(self, path: Path) -> None:
        """Replace the model file as a whole."""
        _write(path, self.to_plain())

    @classmethod
    def load(cls, path: Path) -> "SavedModel":
        """Read the file of a single model.

        Raises:
            StudyError: It is not there, cannot be read, or holds several.
        """
        members = SavedEnsemble.load(path).members
        if len(members) > 1:
            raise StudyError(f"{path} holds an ensemble of {len(members)} models, not a single one")
        return members[0]


@dataclass(frozen=True)
class SavedEnsemble:
    """Trained models that answer together; or one.

    Attributes:
        members: The models; they know the same classes, and features of the same extractors.
        weights: The share of each in the answer; they sum to 1.
        rule: How their answers are combined; `single` for one model.
    """

    members: tuple[SavedModel, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "single"

    def __post_init__(self) -> None:
        """Refuse members that cannot answer together.

        Raises:
            StudyError: They cannot.
        """
        first, *others = self.members
        extraction = first.config.features.extraction()
        for member in others:
            if member.classes != first.classes:
                raise StudyError("the members of an ensemble must know the same classes")
            if member.config.features.extraction() != extraction:
                raise StudyError("the members of an ensemble must read features of one kind")

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions in the order of the probabilities."""
        return self.members[0].classes

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on invented content."""
        return any(member.synthetic for member in self.members)

    @property
    def origins(self) -> Mapping[str, Origin]:
        """How each modality that a member reads was made."""
        return {name: how for member in self.members for name, how in member.origins.items()}

    @property
    def turns_read(self) -> TurnsRead | None:
        """Which turns of its dialogue a member reads beside an utterance; None: it is alone."""
        return find_turns_read(member.config.model for member in self.members)

    def combine(self, answers: Sequence[Probabilities]) -> Probabilities:
        """Return the answer by training `(trainings, n, classes)`, of the members' own ones."""
        return combine_by_seed(answers, self.weights, self.rule)

    def answers(self, utterances: Utterances, reads: Reads = "all") -> Probabilities:
        """Return class probabilities by training `(trainings, n, classes)`.

        Args:
            utterances: Which ones.
            reads: How much of its dialogue a member reads beside each, at most what it reads.
        """
        return self.combine(
            [
                member.probabilities(member.preprocessor.transform(utterances), reads=reads)
                for member in self.members
            ]
        )

    def digest(self) -> str:
        """Return what changes whenever a weight does."""
        digests = [member.digest() for member in self.members]
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256(repr((digests, self.weights, self.rule)).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Replace the model file as a whole."""
        members = [member.to_plain() for member in self.members]
        _write(path, {"members": members, "weights": list(self.weights), "rule": self.rule})

    @classmethod
    def load(cls, path: Path) -> "SavedEnsemble":
        """Read a model file, of one model or of several.

        Raises:
            StudyError: It is not there, or cannot be read.
        """
        if not path.is_file():
            raise StudyError(f"no model at {path}; `make final` makes one")
        try:
            stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            if "members" not in stored:
                return cls((SavedModel.from_plain(stored),))
            members = tuple(map(SavedModel.from_plain, stored["members"]))
            return cls(members, tuple(stored["weights"]), stored["rule"])
        except StudyError as error:
            raise StudyError(f"{path} cannot be used: {error}; `make final` trains one") from None
        except Exception as error:
            raise StudyError(
                f"{path} is not a model of this version ({type(error).__name__}); "
                "`make final` trains one"
            ) from error


def is_model(path: Path) -> bool:
    """Return whether a model lies there that is whole and of this version."""
    with suppress(StudyError):
        SavedEnsemble.load(path)
        return True
    return False


def _write(path: Path, plain: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(plain, buffer)
    write_bytes(path, buffer.getvalue())
