"""Boosted trees, over dense blocks and the leading components of sparse ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from emotion_hpo.config.classical import BoostingModel
from emotion_hpo.dataset.vectors import Vectors, is_sparse
from emotion_hpo.models.estimators import dump_estimator, in_columns, load_estimator
from emotion_hpo.models.linear import Floats, Labels


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
        return in_columns(scores / 2 if scores.ndim == 1 else scores)  # ±x is 2x apart

    def state(self) -> dict[str, Tensor]:
        """Return the trees, and the components of each sparse block."""
        state = {
            "trees": dump_estimator(self._trees),
            "n_blocks": torch.tensor(len(self._components)),
        }
        return state | {
            f"components_{index}": torch.from_numpy(components)
            for index, components in enumerate(self._components)
            if components is not None
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        self._trees = load_estimator(state["trees"], HistGradientBoostingClassifier)
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
