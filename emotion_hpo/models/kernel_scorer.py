"""The support vector machine with a Gaussian kernel, over blocks of columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.svm import SVC
from torch import Tensor

from emotion_hpo.dataset.vectors import Vectors, is_sparse
from emotion_hpo.models.estimators import dump_estimator, in_columns, load_estimator
from emotion_hpo.models.linear import Floats, Labels


class KernelScorer:
    """The support vector machine whose likeness falls with the distance of two rows.

    scikit-learn gets the kernel, which a product of dense blocks gives in a tenth of the time that
    its own takes on stacked ones.
    """

    def __init__(self, c: float, gamma: float | None) -> None:
        self._c = c
        self._gamma = gamma

    @property
    def n_parameters(self) -> int:
        """The support vectors' coefficients, and intercepts."""
        return int(self._machine.dual_coef_.size + self._machine.intercept_.size)

    def fit(
        self, vectors: Vectors, labels: Labels, _n_classes: int, weights: Floats, _seed: int
    ) -> None:
        """Fit the machine and keep its support vectors."""
        self._scale = _gamma_scale(vectors) if self._gamma is None else self._gamma
        self._machine = SVC(C=self._c, kernel="precomputed")
        self._machine.fit(self._kernel(vectors, vectors), labels, weights)
        self._n_rows = len(labels)
        self._support = vectors.rows(self._machine.support_.astype(np.int64))

    def scores(self, vectors: Vectors) -> Floats:
        """Return the votes of the pairs of classes, with their margins."""
        kernel = np.zeros((vectors.n, self._n_rows))
        kernel[:, self._machine.support_] = self._kernel(vectors, self._support)
        return in_columns(self._machine.decision_function(kernel))

    def state(self) -> dict[str, Tensor]:
        """Return the machine, and its support vectors by block."""
        state = {
            "machine": dump_estimator(self._machine),
            "scale": torch.tensor(self._scale, dtype=torch.float64),
            "n_rows": torch.tensor(self._n_rows),
        }
        for index, block in enumerate(self._support.blocks):
            state |= {f"block_{index}.{name}": part for name, part in _block_state(block).items()}
        return state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        self._machine = load_estimator(state["machine"], SVC)
        self._scale, self._n_rows = float(state["scale"]), int(state["n_rows"])
        blocks: list[Any] = []
        while part := _under(f"block_{len(blocks)}.", state):
            blocks.append(_load_block(part))
        self._support = Vectors(tuple(blocks), len(self._machine.support_))

    def _kernel(self, rows: Vectors, others: Vectors) -> Floats:
        products = np.zeros((rows.n, others.n))
        squares, other_squares = np.zeros(rows.n), np.zeros(others.n)
        for block, other in zip(rows.blocks, others.blocks, strict=True):
            product: Any = block @ other.T
            products += product.toarray() if is_sparse(product) else product
            squares += _squares(block)
            other_squares += _squares(other)
        distances = np.maximum(squares[:, None] + other_squares - 2 * products, 0)
        return np.exp(-self._scale * distances)


def _gamma_scale(vectors: Vectors) -> float:
    """Return what scikit-learn's `gamma="scale"` is: 1 over columns and their variance."""
    n_columns = sum(vectors.widths)
    mean_square = sum(float(_squares(block).sum()) for block in vectors.blocks) / vectors.n
    total = sum(float(block.sum()) for block in vectors.blocks)
    variance = mean_square - n_columns * (total / (vectors.n * n_columns)) ** 2
    return 1 / variance if variance > 0 else 1.0


def _squares(block: Any) -> Floats:  # noqa: ANN401 (dense or sparse)
    """Return each row's sum of squares."""
    squared = block.multiply(block) if is_sparse(block) else np.square(block)
    return np.asarray(squared.sum(1), np.float64).ravel()


def _block_state(block: Any) -> dict[str, Tensor]:  # noqa: ANN401 (dense or sparse)
    if not is_sparse(block):
        return {"dense": torch.from_numpy(np.ascontiguousarray(block))}
    rows = block.tocsr()
    return {
        "data": torch.from_numpy(rows.data),
        "indices": torch.from_numpy(rows.indices),
        "indptr": torch.from_numpy(rows.indptr),
        "width": torch.tensor(rows.shape[1]),
    }


def _load_block(state: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 (dense or sparse)
    if "dense" in state:
        return state["dense"].numpy()
    parts = tuple(state[name].numpy() for name in ("data", "indices", "indptr"))
    return csr_matrix(parts, (len(parts[2]) - 1, int(state["width"])))


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    length = len(prefix)
    return {name[length:]: part for name, part in state.items() if name.startswith(prefix)}
