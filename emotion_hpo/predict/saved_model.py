"""A trained model with all that is needed to use it, in one file without pickled code.

Several trainings of one configuration, from different seeds, are one model: their probabilities
are averaged.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config import ExperimentConfig, NetworkModel, build, dump
from emotion_hpo.dataset.batches import Dataset, Reads
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.scaling import FeatureReader, Scale
from emotion_hpo.errors import StudyError
from emotion_hpo.features.origin import Origin, plain_origins, read_origins
from emotion_hpo.features.text import Vocabulary
from emotion_hpo.study import write_bytes
from emotion_hpo.training.learner import Learner, build_learner

if TYPE_CHECKING:
    from emotion_hpo.dataset.text_factors import TextFactors


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
        for state in self.networks:
            learner = build_learner(self.config, self.preprocessor, n_classes, seed=0, blank=True)
            learner.load(state)
            learners.append(learner)
        return tuple(learners)

    def probabilities(
        self,
        data: Dataset,
        learners: Sequence[Learner] | None = None,
        reads: Reads = "all",
    ) -> NDArray[np.float32]:
        """Class probabilities of each training `(trainings, n, classes)`.

        Args:
            data: The utterances.
            learners: What `build_learners` gave, if it was called before.
            reads: How much of its dialogue is read beside each, at most what the model reads.
        """
        built = self.build_learners() if learners is None else learners
        return np.stack([learner.probabilities(data, reads) for learner in built])

    def in_float32(self) -> "SavedModel":
        """Return the same model, which computes in float32 whatever it was trained in."""
        training = self.config.training.model_copy(update={"precision": "float32"})
        return replace(self, config=self.config.model_copy(update={"training": training}))

    def digest(self) -> str:
        """Return what changes whenever a weight does."""
        digest = hashlib.sha256()
        for state in self.networks:
            for name, value in state.items():
                digest.update(name.encode())
                digest.update(value.numpy().tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Replace the model file as a whole."""
        buffer = io.BytesIO()
        torch.save(
            {
                "config": dump(self.config),
                "preprocessor": _plain_preprocessor(self.preprocessor),
                "classes": list(self.classes),
                "networks": [dict(state) for state in self.networks],
                "origins": plain_origins(self.origins),
                "synthetic": self.synthetic,
            },
            buffer,
        )
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> "SavedModel":
        """Read a model file.

        Raises:
            StudyError: It is not there, or cannot be read.
        """
        if not path.is_file():
            raise StudyError(f"no model at {path}; `make final` makes one")
        try:
            stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            saved_model = cls(
                build(ExperimentConfig, stored["config"]),
                _preprocessor(stored["preprocessor"]),
                tuple(stored["classes"]),
                tuple(stored["networks"]),
                read_origins(stored["origins"]),
                bool(stored["synthetic"]),
            )
            if not isinstance(saved_model.config.model, NetworkModel):
                saved_model.build_learners()  # refuses a state that holds what none does
        except Exception as error:
            raise StudyError(
                f"{path} is not a model of this version ({type(error).__name__}); "
                "`make final` trains one"
            ) from error
        return saved_model


def _plain_preprocessor(preprocessor: Preprocessor) -> dict[str, Any]:
    return {
        "max_words": preprocessor.max_words,
        "described": list(preprocessor.described),
        "in_dialogues": preprocessor.in_dialogues,
        "marks": preprocessor.marks,
        "factors": None if preprocessor.factors is None else preprocessor.factors.state(),
        "words": None if preprocessor.vocabulary is None else list(preprocessor.vocabulary.words),
        "readers": {
            modality: {
                "dimensions": reader.dimensions,
                "max_length": reader.max_length,
                "corpus": None if reader.corpus is None else _plain_scale(reader.corpus),
                "speakers": None
                if reader.speakers is None
                else {name: _plain_scale(scale) for name, scale in reader.speakers.items()},
                "n_prior": reader.n_prior,
                "n_layers": reader.n_layers,
            }
            for modality, reader in preprocessor.readers.items()
        },
    }


def _plain_scale(scale: Scale) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(scale.mean), torch.from_numpy(scale.deviation)


def _preprocessor(stored: Mapping[str, Any]) -> Preprocessor:
    readers = {
        modality: FeatureReader(
            reader["dimensions"],
            reader["max_length"],
            None if reader["corpus"] is None else _scale(reader["corpus"]),
            None
            if reader["speakers"] is None
            else {name: _scale(scale) for name, scale in reader["speakers"].items()},
            reader["n_prior"],
            reader.get("n_layers", 1),
        )
        for modality, reader in stored["readers"].items()
    }
    words = stored["words"]
    vocabulary = None if words is None else Vocabulary(tuple(words))
    factors = stored.get("factors")  # older models have none
    return Preprocessor(
        readers,
        vocabulary,
        stored["max_words"],
        stored["marks"],
        described=tuple(stored["described"]),
        in_dialogues=stored.get("in_dialogues", False),  # older models read no dialogues
        factors=None if factors is None else _text_factors(factors),
    )


def _text_factors(stored: Mapping[str, Tensor]) -> "TextFactors":
    from emotion_hpo.dataset.text_factors import TextFactors  # scikit-learn: a second

    return TextFactors.load(stored)


def _scale(stored: tuple[Tensor, Tensor]) -> Scale:
    mean, deviation = stored
    return Scale(mean.numpy(), deviation.numpy())
