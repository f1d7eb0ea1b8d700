"""What can be trained: a network, or a classical model, behind one contract.

Whoever trains, stores or asks a model knows a `Learner` alone.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config import ExperimentConfig, NetworkModel, fingerprint
from emotion_hpo.config.auto import resolved
from emotion_hpo.dataset.batches import Dataset, Reads
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models.modalities import modalities_of, reads_statistics
from emotion_hpo.models.network import build_network
from emotion_hpo.training.loop import Evaluation, OnEpoch, TrainingState
from emotion_hpo.training.network_learner import NetworkLearner


class Learner(Protocol):
    """A model that can be trained."""

    @property
    def n_parameters(self) -> int:
        """How many numbers training finds; of a classical model, has found."""
        ...

    @property
    def n_weights(self) -> int:
        """How many numbers the model has, frozen ones included."""
        ...

    def fit(
        self,
        train: Dataset,
        validation: Dataset | None,
        seed: int,
        on_epoch: OnEpoch,
        start: TrainingState | None = None,
        lr_halvings: Sequence[int] | None = None,
    ) -> None:
        """Train, as `training.loop.fit` describes.

        Raises:
            TrialFailed: The training diverged.
        """
        ...

    def evaluate(self, data: Dataset) -> Evaluation:
        """Return class probabilities of every utterance, and their metrics."""
        ...

    def probabilities(self, data: Dataset, reads: Reads = "all") -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`.

        Args:
            data: Which utterances.
            reads: How much of its dialogue is read beside each, at most what the model reads: all,
                the turns before, or none.
        """
        ...

    def answer(self, data: Dataset, row: int) -> NDArray[np.float32]:
        """Return the scores of one utterance `(classes,)`, read and asked alone."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return a copy of what it has learnt, on the CPU."""
        ...

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave.

        Raises:
            StudyError: It is not the state of such a model.
        """
        ...


def n_epochs(config: ExperimentConfig) -> int:
    """Return after how many epochs a training ends by itself."""
    return resolved(config.training.epochs) if isinstance(config.model, NetworkModel) else 1


def describe_reading(config: ExperimentConfig, train: Utterances) -> str:
    """Return a text that is the same where two configurations read a training part alike."""
    modalities = modalities_of(config.model, train)
    is_network = isinstance(config.model, NetworkModel)
    kind = "network" if is_network else "classical"
    turns = "dialogues" if config.has_context else "alone"
    copies = config.training.augmentation.perturbations
    turns = f"{turns}-and-copies" if copies else turns
    frames = "statistics" if reads_statistics(config.model) else "sequences"
    read = [*map(str, copies), *modalities]
    return "/".join([f"{kind}-{turns}", frames, fingerprint(config.features), *read])


def fit_preprocessor(config: ExperimentConfig, train: Utterances) -> Preprocessor:
    """Fit how a configuration's model reads utterances.

    Raises:
        ConfigError: No training utterance has a modality that the model reads.
    """
    modalities = modalities_of(config.model, train)
    is_network = isinstance(config.model, NetworkModel)
    return Preprocessor.fit(
        train,
        config.features,
        modalities,
        as_vectors=not is_network,
        statistics=reads_statistics(config.model),
        in_dialogues=config.has_context,
    )


def build_learner(
    config: ExperimentConfig,
    preprocessor: Preprocessor,
    n_classes: int,
    *,
    seed: int,
    blank: bool = False,
) -> Learner:
    """Build what a configuration trains.

    Args:
        config: Of the model, and how a network is trained.
        preprocessor: Of what it will read.
        n_classes: Of the corpus.
        seed: Of a network's initial weights.
        blank: Take neither pretrained vectors nor trained encoders, since a state follows.

    Raises:
        ConfigError: It cannot be built.
    """
    model = config.model
    if isinstance(model, NetworkModel):
        network = build_network(model, preprocessor.shapes(), n_classes, seed=seed, blank=blank)
        return NetworkLearner(network, config.training)
    # A second for scikit-learn, which networks do without
    from emotion_hpo.models.classical import ClassicalModel
    from emotion_hpo.training.classical_learner import ClassicalLearner

    if config.training.labels == "votes":
        raise ConfigError(
            f"training.labels: learner={model.learner} learns from the majority's label alone; "
            "leave it at majority"
        )
    return ClassicalLearner(ClassicalModel(model, n_classes))
