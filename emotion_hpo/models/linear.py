"""Linear classifiers over blocks of columns: logistic regression and the support vector machine.

The minimum that scikit-learn's `LogisticRegression` finds, and that of its `LinearSVC` but for an
intercept without penalty; found by the same L-BFGS, over dense and sparse blocks side by side.
Stacked into one sparse matrix, as scikit-learn needs them, the dense ones would take most of the
time. A fit may start from another's weights, so that a row of `c` costs little more than one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.sparse import csr_matrix

from emotion_hpo.dataset.vectors import Vectors, is_sparse

Loss = Literal["logistic", "squared_hinge"]
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

#: Of the mean loss's gradient: scikit-learn's own.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Linear:
    """A fitted linear classifier.

    Attributes:
        weights: `(d, classes)` float32, the blocks' columns one after the other.
        intercept: `(classes,)` float32.
    """

    weights: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def scores(self, vectors: Vectors) -> Floats:
        """Return `(n, classes)`: of the logistic loss, logits; of the hinge loss, margins."""
        scores = np.zeros((vectors.n, len(self.intercept)), np.float32)
        for block, weights in zip(vectors.blocks, _cut(self.weights, vectors.widths), strict=True):
            scores += block @ weights
        return scores.astype(np.float64) + self.intercept


def fit_path(
    vectors: Vectors,
    labels: Labels,
    n_classes: int,
    loss: Loss,
    cs: Sequence[float],
    weights: Floats | None = None,
    max_iterations: int = 500,
) -> Iterator[Linear]:
    """Fit for each `c`, in order, each fit from the one before.

    Args:
        vectors: What to learn from.
        labels: Classes `(n,)` from 0.
        n_classes: How many there are.
        loss: Of an utterance.
        cs: Factors on the losses' sum, beside half the weights' squares.
        weights: Of each utterance `(n,)`; None: 1.
        max_iterations: After which a fit ends where it is.
    """
    objective = _Objective(vectors, labels, n_classes, loss, weights)
    flat = np.zeros((sum(vectors.widths) + 1) * n_classes)
    for c in cs:
        objective.c = c
        flat = optimize.minimize(
            objective,
            flat,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": max_iterations, "gtol": _TOLERANCE, "ftol": 1e-9},
        ).x
        table = flat.reshape(-1, n_classes).astype(np.float32)
        yield Linear(table[:-1], table[-1])


class _Objective:
    """Mean loss and penalty of flat weights, and their gradient."""

    def __init__(
        self,
        vectors: Vectors,
        labels: Labels,
        n_classes: int,
        loss: Loss,
        weights: Floats | None,
    ) -> None:
        self.c = 1.0
        self._vectors = vectors
        # In rows, too: a product with sparse columns would be gathered from all over memory
        self._transposed = [
            csr_matrix(block.T) if is_sparse(block) else block.T for block in vectors.blocks
        ]
        self._weights_N1 = (np.ones(len(labels)) if weights is None else weights)[:, None]
        self._is_class_NC = np.eye(n_classes)[labels]
        self._loss = _logistic if loss == "logistic" else _squared_hinge

    def __call__(self, flat: Floats) -> tuple[float, Floats]:
        n_classes = self._is_class_NC.shape[1]
        table = flat.reshape(-1, n_classes)
        single = table.astype(np.float32)
        scores_NC = Linear(single[:-1], single[-1]).scores(self._vectors)
        losses_NC, slopes_NC = self._loss(scores_NC, self._is_class_NC)
        slopes_NC = slopes_NC * self._weights_N1
        total = self._weights_N1.sum()
        gradient = np.empty_like(table)
        steps = slopes_NC.astype(np.float32)
        for part, columns in zip(
            _cut(gradient[:-1], self._vectors.widths), self._transposed, strict=True
        ):
            part[:] = columns @ steps
        gradient[:-1] += table[:-1] / self.c
        gradient[-1] = slopes_NC.sum(0)
        penalty = float((table[:-1] ** 2).sum()) / (2 * self.c)
        value = (float((losses_NC * self._weights_N1).sum()) + penalty) / total
        return value, gradient.ravel() / total


def _logistic(scores_NC: Floats, is_class_NC: Floats) -> tuple[Floats, Floats]:
    """Return cross-entropy `(n, 1)`, and its slope by score."""
    shifted_NC = scores_NC - scores_NC.max(1, keepdims=True)
    exponentials_NC = np.exp(shifted_NC)
    sums_N1 = exponentials_NC.sum(1, keepdims=True)
    losses_N1 = np.log(sums_N1) - (shifted_NC * is_class_NC).sum(1, keepdims=True)
    return losses_N1, exponentials_NC / sums_N1 - is_class_NC


def _squared_hinge(scores_NC: Floats, is_class_NC: Floats) -> tuple[Floats, Floats]:
    """Return the squared shortfall of each class's margin against all others, and its slope."""
    sign_NC = 2 * is_class_NC - 1
    shortfall_NC = np.maximum(0, 1 - sign_NC * scores_NC)
    return shortfall_NC**2, -2 * sign_NC * shortfall_NC


def _cut(table: NDArray[Any], widths: list[int]) -> list[NDArray[Any]]:
    """Cut a table into the blocks' rows; they are views."""
    return np.split(table, np.cumsum(widths)[:-1]) if widths else []
