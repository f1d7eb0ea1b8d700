"""Linear classifiers over blocks: the optimum that scikit-learn finds on the stacked columns."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from emotion_hpo.dataset.vectors import Vectors
from emotion_hpo.models.linear import Linear, fit_path

N, N_CLASSES = 120, 3


def dense_problem():
    """Three overlapping clouds, in two blocks of columns."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, N)
    centres = rng.standard_normal((N_CLASSES, 7))
    rows = (centres[labels] + rng.standard_normal((N, 7))).astype(np.float32)
    return Vectors((rows[:, :4], rows[:, 4:]), N), labels


def sparse_problem():
    """Word counts, some of which a class has more often; beside a dense block."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, N_CLASSES, N)
    rates = rng.uniform(0, 0.6, (N_CLASSES, 12))
    words = sparse.csr_matrix(rng.poisson(rates[labels]).astype(np.float32))
    dense = rng.standard_normal((N, 2)).astype(np.float32) + labels[:, None] / 2
    return Vectors((dense.astype(np.float32), words), N), labels


def stacked(vectors):
    blocks = [b.toarray() if sparse.issparse(b) else b for b in vectors.blocks]
    return np.hstack(blocks).astype(np.float64)


def fit_oracle(loss, c, rows, labels, weights):
    if loss == "logistic":
        return LogisticRegression(C=c, tol=1e-8, max_iter=5000).fit(rows, labels, weights)
    # Its intercept has a penalty, which this makes next to nothing
    svm = LinearSVC(C=c, dual=False, tol=1e-8, max_iter=20_000, intercept_scaling=100)
    return svm.fit(rows, labels, weights)


def objective(loss, c, linear, rows, labels, weights):
    """Return the sum of the losses and the penalty, as scikit-learn's documentation has it."""
    scores = rows @ linear.weights.astype(np.float64) + linear.intercept
    if loss == "logistic":
        shifted = scores - scores.max(1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]
    else:
        signs = np.where(np.eye(N_CLASSES)[labels] > 0, 1, -1)
        losses = (np.maximum(0, 1 - signs * scores) ** 2).sum(1)
    return c * (weights * losses).sum() + (linear.weights.astype(np.float64) ** 2).sum() / 2


@pytest.mark.parametrize("problem", [dense_problem, sparse_problem])
@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_optimum_is_scikit_learns(problem, loss, is_weighted):
    vectors, labels = problem()
    rows = stacked(vectors)
    weights = np.linspace(0.5, 2, N) if is_weighted else np.ones(N)
    cs = [0.1, 1.0, 10.0]
    for c, linear in zip(cs, fit_path(vectors, labels, N_CLASSES, loss, cs, weights), strict=True):
        oracle = fit_oracle(loss, c, rows, labels, weights)
        best = Linear(oracle.coef_.T, oracle.intercept_)
        value = objective(loss, c, linear, rows, labels, weights)
        lowest = objective(loss, c, best, rows, labels, weights)
        assert value / lowest == pytest.approx(1, abs=2e-4)
        scores, expected = linear.scores(vectors), oracle.decision_function(rows)
        np.testing.assert_allclose(scores, expected, atol=0.01 * np.ptp(expected))
