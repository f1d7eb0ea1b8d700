"""A trained model with all that is needed to use it, in one file without pickled code.

Several networks of one configuration, trained from different seeds, are one model: their
probabilities are averaged.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config import ExperimentConfig, build, dump
from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.scaling import FeatureReader, Scale
from emotion_hpo.errors import StudyError
from emotion_hpo.features.origin import Origin, plain_origins, read_origins
from emotion_hpo.features.text import Vocabulary
from emotion_hpo.models.network import Network, build_network
from emotion_hpo.study import write_bytes
from emotion_hpo.training.loop import evaluate


@dataclass(frozen=True)
class SavedModel:
    """A trained model.

    Attributes:
        config: What was trained.
        preprocessor: How utterances are read.
        classes: Emotions in the order of the probabilities.
        networks: State of each network.
        origins: How each modality that is read was made.
        synthetic: Whether it was trained on invented content.
    """

    config: ExperimentConfig
    preprocessor: Preprocessor
    classes: tuple[str, ...]
    networks: tuple[Mapping[str, Tensor], ...]
    origins: Mapping[str, Origin]
    synthetic: bool

    def build_networks(self) -> tuple[Network, ...]:
        """The networks, ready to answer."""
        built = []
        for state in self.networks:
            network = build_network(
                self.config.model, self.preprocessor.shapes(), len(self.classes), seed=0, blank=True
            )
            network.load_state_dict(state)
            built.append(network)
        return tuple(built)

    def probabilities(
        self, data: Dataset, networks: Sequence[Network] | None = None
    ) -> NDArray[np.float32]:
        """Class probabilities of each network `(networks, n, classes)`.

        Args:
            data: The utterances.
            networks: What `build_networks` gave, if it was called before.
        """
        built = self.build_networks() if networks is None else networks
        training = self.config.training
        return np.stack([evaluate(network, data, training).probabilities for network in built])

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
            return cls(
                build(ExperimentConfig, stored["config"]),
                _preprocessor(stored["preprocessor"]),
                tuple(stored["classes"]),
                tuple(stored["networks"]),
                read_origins(stored["origins"]),
                bool(stored["synthetic"]),
            )
        except Exception as error:
            raise StudyError(
                f"{path} is not a model of this version ({type(error).__name__}); "
                "`make final` trains one"
            ) from error


def trained_network(network: Network) -> dict[str, Tensor]:
    """A copy of a network's state, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _plain_preprocessor(preprocessor: Preprocessor) -> dict[str, Any]:
    return {
        "max_words": preprocessor.max_words,
        "marks": preprocessor.marks,
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
        )
        for modality, reader in stored["readers"].items()
    }
    words = stored["words"]
    vocabulary = None if words is None else Vocabulary(tuple(words))
    return Preprocessor(readers, vocabulary, stored["max_words"], stored["marks"])


def _scale(stored: tuple[Tensor, Tensor]) -> Scale:
    mean, deviation = stored
    return Scale(mean.numpy(), deviation.numpy())
