"""What can be trained: a network, or a classical model, behind one contract.

Whoever trains, stores or asks a model knows a `Learner` alone. A classical model's training is one
epoch: `on_epoch` is called once, with all that an epoch of a network has.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config import ExperimentConfig, NetworkModel, TrainingConfig
from emotion_hpo.config.auto import resolved
from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.metrics.registry import score_all
from emotion_hpo.models.catalogue import count
from emotion_hpo.models.classical import ClassicalModel
from emotion_hpo.models.modalities import modalities_of
from emotion_hpo.models.network import Network, build_network
from emotion_hpo.runtime.usage import Meter
from emotion_hpo.study import Epoch
from emotion_hpo.training.loop import (
    Evaluation,
    OnEpoch,
    TrainingState,
    autocast_of,
    device_of,
    evaluate,
    fit,
)


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

    def probabilities(self, data: Dataset) -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`."""
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


def fit_preprocessor(config: ExperimentConfig, train: Utterances) -> Preprocessor:
    """Fit how a configuration's model reads utterances.

    Raises:
        ConfigError: No training utterance has a modality that the model reads.
    """
    modalities = modalities_of(config.model, train)
    as_vectors = not isinstance(config.model, NetworkModel)
    return Preprocessor.fit(train, config.features, modalities, as_vectors=as_vectors)


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
    if config.training.labels == "votes":
        raise ConfigError(
            f"training.labels: learner={model.learner} learns from the majority's label alone; "
            "leave it at majority"
        )
    return ClassicalLearner(ClassicalModel(model, n_classes))


class NetworkLearner:
    """A network, trained epoch by epoch."""

    def __init__(self, network: Network, config: TrainingConfig) -> None:
        self.network = network
        self._config = config

    @property
    def n_parameters(self) -> int:
        """Trainable weights."""
        return count(self.network)

    @property
    def n_weights(self) -> int:
        """All weights."""
        return sum(part.numel() for part in self.network.parameters())

    def fit(
        self,
        train: Dataset,
        validation: Dataset | None,
        seed: int,
        on_epoch: OnEpoch,
        start: TrainingState | None = None,
        lr_halvings: Sequence[int] | None = None,
    ) -> None:
        """Train in place."""
        fit(self.network, train, validation, self._config, seed, on_epoch, start, lr_halvings)

    def evaluate(self, data: Dataset) -> Evaluation:
        """Return class probabilities of every utterance, and their metrics."""
        return evaluate(self.network, data, self._config)

    def probabilities(self, data: Dataset) -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`."""
        return self.evaluate(data).probabilities

    def answer(self, data: Dataset, row: int) -> NDArray[np.float32]:
        """Return the logits of one utterance."""
        device = device_of(self._config)
        if self.network.training or next(self.network.parameters()).device.type != device.type:
            self.network.to(device).eval()
        with torch.inference_mode(), autocast_of(self._config, device):
            batch = data.batch(np.array([row]))
            inputs = {name: part.to(device) for name, part in batch.modalities.items()}
            logits: NDArray[np.float32] = self.network(inputs).cpu().numpy()[0]
        return logits

    def state(self) -> dict[str, Tensor]:
        """Return a copy of the weights, on the CPU."""
        weights = self.network.state_dict()
        return {name: value.detach().cpu().clone() for name, value in weights.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take weights."""
        self.network.load_state_dict(state)


class ClassicalLearner:
    """A classical model, whose training is one epoch."""

    def __init__(self, model: ClassicalModel) -> None:
        self._model = model

    @property
    def n_parameters(self) -> int:
        """Numbers that it has learnt."""
        return self._model.n_parameters

    @property
    def n_weights(self) -> int:
        """The same: none is frozen."""
        return self._model.n_parameters

    def fit(
        self,
        train: Dataset,
        validation: Dataset | None,
        seed: int,
        on_epoch: OnEpoch,
        start: TrainingState | None = None,
        lr_halvings: Sequence[int] | None = None,  # noqa: ARG002 (it has no learning rate)
    ) -> None:
        """Fit the model, or take the one that a checkpoint holds: then nothing is left to do."""
        if start is not None:
            self._model.load(start.network)
            return
        began, meter = time.perf_counter(), Meter.start()
        self._model.fit(train, seed)
        train_loss = self.evaluate(train).metrics["loss"]
        metrics, evaluation = {"train/loss": train_loss}, None
        if validation is not None:
            evaluation = self.evaluate(validation)
            metrics |= {f"val/{name}": value for name, value in evaluation.metrics.items()}
        seconds, usage = time.perf_counter() - began, dict(meter.read())
        loss = metrics.get("val/loss", train_loss)
        epoch = Epoch(1, metrics, seconds, time.time(), usage=usage)
        on_epoch(epoch, evaluation, partial(self._training_state, loss))

    def evaluate(self, data: Dataset) -> Evaluation:
        """Return class probabilities of every utterance, and their metrics."""
        probabilities = self._model.probabilities(data)
        return Evaluation(probabilities, score_all(data.utterances.labels, probabilities))

    def probabilities(self, data: Dataset) -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`."""
        return self._model.probabilities(data)

    def answer(self, data: Dataset, row: int) -> NDArray[np.float32]:
        """Return the probabilities of one utterance."""
        alone = self._model.probabilities(data.subset(np.array([row])))
        return np.asarray(alone[0])

    def state(self) -> dict[str, Tensor]:
        """Return what it has learnt."""
        return self._model.state()

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        self._model.load(state)

    def _training_state(self, loss: float) -> TrainingState:
        return TrainingState(1, self.state(), {}, [loss])
