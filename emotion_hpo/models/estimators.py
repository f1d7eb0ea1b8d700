"""scikit-learn's estimators in a model's file: kept by `skops`, which runs no code on reading.

It makes what `_TRUSTED` names and scikit-learn's own estimators, and nothing else.
"""

from typing import Any

import numpy as np
from torch import Tensor

from emotion_hpo.dataset.vectors import from_bytes, to_bytes
from emotion_hpo.models.linear import Floats

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


def dump_estimator(estimator: object) -> Tensor:
    """Return an estimator as bytes."""
    from skops import io

    return to_bytes(io.dumps(estimator))


def load_estimator(content: Tensor, kind: type) -> Any:  # noqa: ANN401 (an estimator of that kind)
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


def in_columns(scores: Floats) -> Floats:
    """Return a column a class; of two classes, scikit-learn has the second one's score alone."""
    return np.stack([-scores, scores], 1) if scores.ndim == 1 else scores
