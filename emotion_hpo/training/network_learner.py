"""A network as a learner: trained epoch by epoch, by the loop."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config.training import TrainingConfig
from emotion_hpo.dataset.batch import Sequence as Modality
from emotion_hpo.dataset.batch import TurnOrder
from emotion_hpo.dataset.batches import Dataset, Reads
from emotion_hpo.models.network import Network, count_trainable
from emotion_hpo.runtime.threads import one_thread
from emotion_hpo.training.loop import (
    Evaluation,
    OnEpoch,
    TrainingState,
    answer,
    device_of,
    evaluate,
    fit,
)


class NetworkLearner:
    """A network, trained epoch by epoch."""

    def __init__(self, network: Network, config: TrainingConfig) -> None:
        self.network = network
        self._config = config

    @property
    def n_parameters(self) -> int:
        """Trainable weights."""
        return count_trainable(self.network)

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

    def probabilities(self, data: Dataset, reads: Reads = "all") -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`, reading so much of each dialogue."""
        context = self.network.context
        if reads == "past" and context is not None and context.reads == "past":
            reads = "all"  # the same answers, without a row of turns for each
        logits_NC = answer(self.network, data.reading(reads), self._config)
        probabilities: NDArray[np.float32] = logits_NC.softmax(1).cpu().numpy()
        return probabilities

    def answer(self, data: Dataset, row: int) -> NDArray[np.float32]:
        """Return the logits of one utterance."""
        with self._answering() as device:
            logits: NDArray[np.float32] = self.network(_alone(data, row, device)).cpu().numpy()[0]
        return logits

    def follow(
        self, data: Dataset, row: int, before_LU: NDArray[np.float32], order: TurnOrder
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities of an utterance after other turns, and its fused vector.

        Args:
            data: Where the utterance is.
            row: Which one.
            before_LU: The fused vectors `(L, units)` of the turns before it.
            order: Of one row, those turns and the utterance.
        """
        with self._answering() as device:
            before = torch.from_numpy(before_LU).to(device)
            inputs = _alone(data, row, device)
            logits_C, fused_U = self.network.follow(inputs, before, order.to(device))
            return logits_C.softmax(0).cpu().numpy(), fused_U.float().cpu().numpy()

    def state(self) -> dict[str, Tensor]:
        """Return a copy of the weights, on the CPU."""
        weights = self.network.state_dict()
        return {name: value.detach().cpu().clone() for name, value in weights.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take weights."""
        self.network.load_state_dict(state)

    @contextmanager
    def _answering(self) -> Iterator[torch.device]:
        """Set the network up to answer one utterance in float32, on one thread; yield where."""
        device = device_of(self._config)
        if self.network.training or next(self.network.parameters()).device.type != device.type:
            self.network.to(device).eval()
        with one_thread(), torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield device


def _alone(data: Dataset, row: int, device: torch.device) -> dict[str, Modality]:
    """Return what is read of one utterance."""
    batch = data.batch(np.array([row]))
    return {name: part.to(device) for name, part in batch.modalities.items()}
