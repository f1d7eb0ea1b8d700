"""What a classical model learns: scores of each class from rows of numbers.

A scorer is fitted on rows that hold every class, numbered from 0, and returns `(n, classes)` scores
whose softmax, at some temperature, is its answer. scikit-learn's estimators are kept by `skops`,
which runs no code on reading: it makes what `_TRUSTED` names and scikit-learn's own estimators.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.svm import SVC
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from emotion_hpo.config import BoostingModel, ClassicalModel, LinearModel, SvmModel
from emotion_hpo.dataset.vectors import Vectors, from_bytes, is_sparse, to_bytes
from emotion_hpo.models.linear import Floats, Linear, Loss, fit_path

Labels = NDArray[np.int64]

#: What boosted trees hold beside arrays and public estimators.
_TRUSTED = [
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
]


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
        return _in_columns(self._machine.decision_function(kernel))

    def state(self) -> dict[str, Tensor]:
        """Return the machine, and its support vectors by block."""
        state = {
            "machine": _dump(self._machine),
            "scale": torch.tensor(self._scale, dtype=torch.float64),
            "n_rows": torch.tensor(self._n_rows),
        }
        for index, block in enumerate(self._support.blocks):
            state |= {f"block_{index}.{name}": part for name, part in _block_state(block).items()}
        return state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        self._machine = _load(state["machine"], SVC)
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


class BoostingScorer:
    """scikit-learn's boosted trees over histograms; of tf-idf they get the leading components."""

    def __init__(self, config: BoostingModel) -> None:
        self._config = config

    @property
    def n_parameters(self) -> int:
        """Nodes of all trees."""
        return sum(len(tree.nodes) for trees in self._trees._predictors for tree in trees)

    def fit(
        self, vectors: Vectors, labels: Labels, _n_classes: int, weights: Floats, seed: int
    ) -> None:
        """Reduce sparse blocks, then grow the trees."""
        config = self._config
        self._components = [
            _leading(block, config.text_dimensions, seed) if is_sparse(block) else None
            for block in vectors.blocks
        ]
        self._trees = HistGradientBoostingClassifier(
            learning_rate=config.learning_rate,
            max_iter=config.iterations,
            max_leaf_nodes=config.leaves,
            l2_regularization=config.l2,
            max_features=config.columns,
            early_stopping=False,
            random_state=seed % 2**32,
        )
        self._trees.fit(self._table(vectors), labels, weights)

    def scores(self, vectors: Vectors) -> Floats:
        """Return logits."""
        scores = self._trees.decision_function(self._table(vectors))
        return _in_columns(scores / 2 if scores.ndim == 1 else scores)  # ±x is 2x apart

    def state(self) -> dict[str, Tensor]:
        """Return the trees, and the components of each sparse block."""
        state = {"trees": _dump(self._trees), "n_blocks": torch.tensor(len(self._components))}
        return state | {
            f"components_{index}": torch.from_numpy(components)
            for index, components in enumerate(self._components)
            if components is not None
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        self._trees = _load(state["trees"], HistGradientBoostingClassifier)
        stored = (state.get(f"components_{index}") for index in range(int(state["n_blocks"])))
        self._components = [None if part is None else part.numpy() for part in stored]

    def _table(self, vectors: Vectors) -> NDArray[np.float32]:
        pairs = zip(vectors.blocks, self._components, strict=True)
        return np.hstack([block if part is None else block @ part.T for block, part in pairs])


def _leading(block: Any, n: int, seed: int) -> NDArray[np.float32]:  # noqa: ANN401 (sparse)
    """Return the leading components of a sparse block, `(k, d)`; at most as many as it has."""
    n_components = min(n, *block.shape)
    components = randomized_svd(block, n_components, random_state=seed % 2**32)[2]
    return np.ascontiguousarray(components, np.float32)


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


def _in_columns(scores: Floats) -> Floats:
    """Return a column a class; of two classes, scikit-learn has the second one's score alone."""
    return np.stack([-scores, scores], 1) if scores.ndim == 1 else scores


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


def _dump(estimator: object) -> Tensor:
    from skops import io

    return to_bytes(io.dumps(estimator))


def _load(content: Tensor, kind: type) -> Any:  # noqa: ANN401 (an estimator of that kind)
    """Read an estimator.

    Raises:
        ValueError: It is none of that kind.
        UntrustedTypesFoundException: It holds what no such estimator does.
    """
    from skops import io

    estimator = io.loads(from_bytes(content), trusted=_TRUSTED)
    if type(estimator) is not kind:
        raise ValueError(f"it holds a {type(estimator).__name__}, not a {kind.__name__}")
    return estimator
