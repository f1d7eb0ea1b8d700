"""What a classical model learns: scores of each class from rows of numbers.

A scorer is fitted on rows that hold every class, numbered from 0, and returns `(n, classes)` scores
whose softmax, at some temperature, is its answer.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from emotion_hpo.config.classical import BoostingModel, ClassicalModel, LinearModel, SvmModel
from emotion_hpo.dataset.vectors import Vectors
from emotion_hpo.models.boosting_scorer import BoostingScorer
from emotion_hpo.models.kernel_scorer import KernelScorer
from emotion_hpo.models.linear import Floats, Labels, Linear, Loss, fit_path


class Scorer(Protocol):
    """Scores of classes."""

    @property
    def n_parameters(self) -> int:
        """How many numbers it has learnt."""
        ...

    def fit(
        self, vectors: Vectors, labels: Labels, n_classes: int, weights: Floats, seed: int
    ) -> None:
        """Learn from rows and their classes, each of a weight."""
        ...

    def scores(self, vectors: Vectors) -> Floats:
        """Return `(n, classes)`."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return what it has learnt."""
        ...

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        ...


def make_scorer(config: ClassicalModel) -> Scorer:
    """Return the scorer of a configuration, which has learnt nothing."""
    match config:
        case LinearModel():
            return LinearScorer("logistic", config.c)
        case SvmModel(kernel="linear"):
            return LinearScorer("squared_hinge", config.c)
        case SvmModel():
            return KernelScorer(config.c, None if config.gamma == "scale" else config.gamma)
        case BoostingModel():
            return BoostingScorer(config)


class LinearScorer:
    """Logistic regression, or the linear support vector machine."""

    def __init__(self, loss: Loss, c: float) -> None:
        self._loss: Loss = loss
        self._c = c

    @property
    def n_parameters(self) -> int:
        """Weights and intercepts."""
        return self._linear.weights.size + self._linear.intercept.size

    def fit(
        self, vectors: Vectors, labels: Labels, n_classes: int, weights: Floats, _seed: int
    ) -> None:
        """Find the minimum, of which there is one."""
        (self._linear,) = fit_path(vectors, labels, n_classes, self._loss, [self._c], weights)

    def scores(self, vectors: Vectors) -> Floats:
        """Return logits or margins."""
        return self._linear.scores(vectors)

    def state(self) -> dict[str, Tensor]:
        """Return weights and intercepts."""
        return {
            "weights": torch.from_numpy(self._linear.weights.copy()),
            "intercept": torch.from_numpy(self._linear.intercept.copy()),
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        self._linear = Linear(state["weights"].numpy(), state["intercept"].numpy())
