"""Decision-level combination: several models' class probabilities become one answer.

Every function takes probabilities `(models, n, classes)` of the same utterances in the same order
and returns `(n, classes)`, rows summing to 1. A trial's validation probabilities lie in its
`validation.npz`, which `stack_answers` reads, so that trials of any study over the same split can
be combined, whatever they were: three modalities trained apart, or seeds of one network.
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.registry import METRICS
from emotion_hpo.metrics.sums import sum_by_group, value_of_sums

Probabilities = NDArray[np.float32]

#: The weights are multiples of a twentieth: finer ones differ by less than validation can tell.
N_PARTS = 20


def stack_answers(files: Sequence[Path]) -> tuple[Probabilities, NDArray[np.int64]]:
    """Return probabilities `(models, n, classes)` and labels `(n,)` of some `validation.npz`.

    Raises:
        StudyError: They are not about the same utterances.
    """
    read = [dict(np.load(file)) for file in files]
    for file, stored in zip(files, read, strict=True):
        if not np.array_equal(stored["utterance_id"], read[0]["utterance_id"]):
            raise StudyError(
                f"{file} and {files[0]} are about different utterances; combine trials of one split"
            )
    return np.stack([stored["probabilities"] for stored in read]), read[0]["label"]


def average(probabilities_MNC: Probabilities) -> Probabilities:
    """Return the mean of all models."""
    mean_NC: Probabilities = probabilities_MNC.mean(0)
    return mean_NC


def maximum_confidence(probabilities_MNC: Probabilities) -> Probabilities:
    """Return, of each utterance, the answer of the model surest of its own; ties: the first."""
    surest_N = probabilities_MNC.max(2).argmax(0)
    answers_NC: Probabilities = probabilities_MNC[surest_N, np.arange(len(surest_N))]
    return answers_NC


def weighted(probabilities_MNC: Probabilities, weights_M: NDArray[np.float64]) -> Probabilities:
    """Return the mean of all models by weights, which need not sum to 1.

    Raises:
        ValueError: A weight is negative, or all are 0.
    """
    if (weights_M < 0).any() or not weights_M.sum() > 0:
        raise ValueError(f"weights >= 0 with a positive sum must hold, but got {weights_M}")
    shares_M = (weights_M / weights_M.sum()).astype(np.float32)
    mean_NC: Probabilities = np.tensordot(shares_M, probabilities_MNC, 1)
    return mean_NC


def combine_by_seed(
    answers: Sequence[Probabilities], weights: Sequence[float], rule: str
) -> Probabilities:
    """Return the combined probabilities of models by seed `(seeds, n, classes)`.

    Args:
        answers: Of each model `(seeds, n, classes)`. One without seeds, as the baseline is, has one
            row, which stands beside each of the others'.
        weights: Of each model; they sum to 1.
        rule: `maximum_confidence`, or the name of any rule by weights.
    """
    n_seeds = max(map(len, answers))
    answers_MSNC = np.stack([np.broadcast_to(rows, (n_seeds, *rows.shape[1:])) for rows in answers])
    if rule == "maximum_confidence":
        return np.stack([maximum_confidence(answers_MSNC[:, seed]) for seed in range(n_seeds)])
    return np.asarray(np.tensordot(np.array(weights, np.float32), answers_MSNC, 1), np.float32)


def choose_weights(
    probabilities_MNC: Probabilities, labels_N: NDArray[np.int64], metric: str = "accuracy"
) -> NDArray[np.float64]:
    """Return the weights with the best value on these utterances, which must be validation's.

    All multiples of 1/20 are tried for up to three models; more are added one after the other, each
    where it helps most. Of equals those nearest to the plain average win: less was fitted.
    """
    n_models = len(probabilities_MNC)
    if n_models <= 3:
        grid_GM = np.array(_simplex(n_models)) / N_PARTS
        chosen_M: NDArray[np.float64] = grid_GM[_best(grid_GM, probabilities_MNC, labels_N, metric)]
        return chosen_M
    counts_M = np.zeros(n_models)
    for _ in range(N_PARTS):
        tried = counts_M + np.eye(n_models)
        shares = tried / tried.sum(1, keepdims=True)
        counts_M = tried[_best(shares, probabilities_MNC, labels_N, metric)]
    return counts_M / N_PARTS


def greedy_selection(
    probabilities_MNC: Probabilities,
    labels_N: NDArray[np.int64],
    metric: str = "accuracy",
    n_steps: int = N_PARTS,
) -> NDArray[np.float64]:
    """Return weights of an ensemble built on validation answers, most of them 0; their sum is 1.

    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML
    2004: the model that helps the average most is added, again and again, with replacement, and the
    best average on the way is taken. Of equally good averages the one with the lower log loss is:
    a count of right answers sees too little of so few utterances.
    """
    n_models = len(probabilities_MNC)
    counts_M, total_NC = np.zeros(n_models), np.zeros_like(probabilities_MNC[0], np.float64)
    best, best_counts_M = (-np.inf, -np.inf), counts_M
    for step in range(1, n_steps + 1):
        tried_MNC = (total_NC + probabilities_MNC) / step
        worth_M = _worth_of_each(tried_MNC, labels_N, metric)
        ties = np.flatnonzero(worth_M == worth_M.max())
        likelihood = _worth_of_each(tried_MNC[ties], labels_N, "loss")
        last = len(ties) - 1 - int(likelihood[::-1].argmax())
        chosen = int(ties[last])
        counts_M = counts_M + np.eye(n_models)[chosen]
        total_NC = total_NC + probabilities_MNC[chosen]
        if (values := (float(worth_M[chosen]), float(likelihood[last]))) > best:
            best, best_counts_M = values, counts_M
    chosen_M: NDArray[np.float64] = best_counts_M / best_counts_M.sum()
    return chosen_M


def heaviest(weights_M: NDArray[np.float64], n_members: int) -> NDArray[np.float64]:
    """Return the weights of at most so many models, the heaviest; of equals the first. Sum 1.

    >>> heaviest(np.array([0.2, 0.5, 0.1, 0.2]), 2).round(2).tolist()
    [0.29, 0.71, 0.0, 0.0]
    """
    members = np.argsort(-weights_M, kind="stable")[:n_members]
    shares_M = np.zeros_like(weights_M)
    shares_M[members] = weights_M[members]
    return np.asarray(shares_M / shares_M.sum())


def _best(
    weights_GM: NDArray[np.float64],
    probabilities_MNC: Probabilities,
    labels_N: NDArray[np.int64],
    metric: str,
) -> int:
    worth = [
        _worth(weighted(probabilities_MNC, weights_M), labels_N, metric) for weights_M in weights_GM
    ]
    distance = np.abs(weights_GM - 1 / weights_GM.shape[1]).sum(1)
    return int(np.lexsort((distance, -np.array(worth)))[0])


def _worth(probabilities_NC: Probabilities, labels_N: NDArray[np.int64], metric: str) -> float:
    """Return a metric's value with the sign that makes more better."""
    scored = METRICS[metric]
    return scored.sign * scored.score(labels_N, probabilities_NC)


def _worth_of_each(
    probabilities_MNC: NDArray[np.float64], labels_N: NDArray[np.int64], metric: str
) -> NDArray[np.float64]:
    """Return a metric's value of each model, with the sign that makes more better."""
    scored, together_N = METRICS[metric], np.zeros(len(labels_N), np.int64)
    sums_M1K = sum_by_group(scored, labels_N, probabilities_MNC, together_N, 1)
    return np.asarray(scored.sign * value_of_sums(scored, sums_M1K[:, 0]))


def _simplex(n_models: int) -> list[list[int]]:
    """Return all ways to give `N_PARTS` parts to the models."""
    owners = combinations_with_replacement(range(n_models), N_PARTS)
    return [np.bincount(owner, minlength=n_models).tolist() for owner in owners]
