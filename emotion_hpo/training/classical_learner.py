"""A classical model as a learner: its training is one epoch.

`on_epoch` is called once, with all that an epoch of a network has.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.dataset.batches import Dataset, Reads
from emotion_hpo.metrics.registry import score_all
from emotion_hpo.models.classical import ClassicalModel
from emotion_hpo.runtime.usage import Meter
from emotion_hpo.study import Epoch
from emotion_hpo.training.loop import Evaluation, OnEpoch, TrainingState


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

    def probabilities(self, data: Dataset, reads: Reads = "all") -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`, reading so much of each dialogue."""
        return self._model.probabilities(data.reading(reads))

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
