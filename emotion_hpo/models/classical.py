"""A classical model: rows of numbers, a scorer, and a temperature that makes scores probabilities.

A support vector machine's margins are no logits. They are divided by a temperature that is fitted
(Guo et al. 2017) on scores of utterances that the scorer was not fitted on: the training part is
divided by dialogue, and each division is scored by a machine of the others. Nothing else than the
training part is read. Where it has one class, or nothing to look at, the answer is its shares.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import optimize, special
from sklearn.model_selection import GroupKFold
from torch import Tensor

from emotion_hpo.config import ClassicalModel as Config
from emotion_hpo.config import SvmModel
from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.vectoriser import Vectoriser, Window
from emotion_hpo.dataset.vectors import Vectors
from emotion_hpo.errors import StudyError
from emotion_hpo.models.linear import Floats, Labels
from emotion_hpo.models.scorers import make_scorer

#: Divisions of the training part; fewer would fit the machines on much less than all of it.
N_DIVISIONS = 5

#: Of temperatures: beyond, probabilities are 0 and 1, or all the same.
_LOG_TEMPERATURES = (-6.0, 6.0)


class ClassicalModel:
    """A classical model, fitted in seconds.

    Args:
        config: Which.
        n_classes: Of the corpus, those that training lacks included.
    """

    def __init__(self, config: Config, n_classes: int) -> None:
        self._config = config
        self._shares = np.full(n_classes, 1 / n_classes)
        self._classes = np.zeros(0, np.int64)
        self._temperature = 1.0
        self._vectoriser: Vectoriser | None = None
        self._scorer = make_scorer(config)

    @property
    def n_parameters(self) -> int:
        """How many numbers it has learnt: weights, coefficients of support vectors, or nodes."""
        return len(self._shares) if self._vectoriser is None else self._scorer.n_parameters

    def fit(self, train: Dataset, seed: int) -> None:
        """Fit on a training part whose modalities are vectors."""
        labels = train.labels.numpy()
        counts = np.bincount(labels, minlength=len(self._shares))
        self._shares = counts / counts.sum()
        self._classes = np.flatnonzero(counts)
        config = self._config
        window = Window(config.turns_before, config.turns_after)
        vectoriser = Vectoriser.fit(train, characters=config.characters, window=window)
        vectors = vectoriser(train).with_dense(config.dense_length)
        if len(self._classes) < 2 or not sum(vectors.widths):
            return
        self._vectoriser = vectoriser
        known = np.searchsorted(self._classes, labels)
        if isinstance(config, SvmModel):
            groups = _groups(train.utterances.table)
            self._temperature = fit_temperature(*self._out_of_fold(vectors, known, groups, seed))
        self._fit_scorer(vectors, known, seed)

    def probabilities(self, data: Dataset) -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`; a class that training lacked has 0."""
        if self._vectoriser is None:
            return np.tile(self._shares.astype(np.float32), (len(data), 1))
        probabilities = np.zeros((len(data), len(self._shares)), np.float32)
        vectors = self._vectoriser(data).with_dense(self._config.dense_length)
        scores = self._scorer.scores(vectors) / self._temperature
        probabilities[:, self._classes] = special.softmax(scores, axis=1)
        return probabilities

    def state(self) -> dict[str, Tensor]:
        """Return what it has learnt, in tensors alone."""
        state = {
            "shares": torch.from_numpy(self._shares),
            "temperature": torch.tensor(self._temperature, dtype=torch.float64),
        }
        if self._vectoriser is None:
            return state
        parts = {"vectoriser": self._vectoriser.state(), "scorer": self._scorer.state()}
        return state | {
            f"{part}.{name}": tensor for part, has in parts.items() for name, tensor in has.items()
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave.

        Raises:
            StudyError: It is not the state of such a model, or holds what none does.
        """
        try:
            self._shares = state["shares"].numpy()
            self._classes = np.flatnonzero(self._shares)
            self._temperature = float(state["temperature"])
            learnt = _part(state, "scorer.")
            self._vectoriser = Vectoriser.load(_part(state, "vectoriser.")) if learnt else None
            if learnt:
                self._scorer.load(learnt)
        except Exception as error:  # whatever a broken file leads to
            reason = (str(error).splitlines() or [""])[0]
            raise StudyError(
                f"this is not the state of a model of learner={self._config.learner} "
                f"({type(error).__name__}: {reason})"
            ) from error

    def _fit_scorer(self, vectors: Vectors, labels: Labels, seed: int) -> None:
        n_classes, weights = len(self._classes), np.ones(len(labels))
        if self._config.class_weights == "balanced":
            weights = class_weights(labels, n_classes)
        self._scorer.fit(vectors, labels, n_classes, weights, seed)

    def _out_of_fold(
        self, vectors: Vectors, labels: Labels, groups: NDArray[np.str_], seed: int
    ) -> tuple[Floats, Labels]:
        """Return scores of utterances that were not learnt from, and their classes."""
        n_classes = len(self._classes)
        scores, rows = [np.zeros((0, n_classes))], [np.zeros(0, np.int64)]
        for learnt, other in divisions(labels, groups, n_classes):
            self._fit_scorer(vectors.rows(learnt), labels[learnt], seed)
            scores.append(self._scorer.scores(vectors.rows(other)))
            rows.append(other)
        return np.concatenate(scores), labels[np.concatenate(rows)]


def _groups(table: pd.DataFrame) -> NDArray[np.str_]:
    """Return what stays together `(n,)`: dialogues; of a lone one, an utterance and its copies."""
    dialogues = table["dialogue"].to_numpy(str)
    if len(np.unique(dialogues)) > 1:
        return dialogues
    return pd.factorize(table["utterance_id"])[0].astype(str)


def divisions(
    labels: Labels, groups: NDArray[np.str_], n_classes: int, n_divisions: int = N_DIVISIONS
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows to learn from and rows to score, by group; those that lack a class are left out.

    Args:
        labels: Classes `(n,)` from 0.
        groups: What stays together; where all do, each utterance is a group of its own.
        n_classes: How many classes there are.
        n_divisions: At most; fewer where there are fewer groups.
    """
    names = groups if len(np.unique(groups)) > 1 else np.arange(len(groups)).astype(str)
    n_groups = len(np.unique(names))
    if n_groups < 2:
        return
    for learnt, other in GroupKFold(min(n_divisions, n_groups)).split(labels, groups=names):
        if len(np.unique(labels[learnt])) == n_classes:
            yield learnt, other


def fit_temperature(scores: Floats, labels: Labels) -> float:
    """Return the temperature at which scores have the lowest log loss; without scores, 1."""
    if not len(scores):
        return 1.0

    def loss(log_temperature: float) -> float:
        return log_loss(scores / np.exp(log_temperature), labels)

    result = optimize.minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded")
    return float(np.exp(result.x))


def log_loss(scores: Floats, labels: Labels) -> float:
    """Return the mean log loss of scores that are logits."""
    return -float(special.log_softmax(scores, axis=1)[np.arange(len(labels)), labels].mean())


def class_weights(labels: Labels, n_classes: int) -> Floats:
    """Return a weight for each utterance `(n,)`, by which all classes weigh the same."""
    counts = np.bincount(labels, minlength=n_classes)
    weights: Floats = (len(labels) / (n_classes * counts))[labels]
    return weights


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
