"""The plain model that every network is compared with: linear, on all modalities, in seconds.

It is logistic regression or a linear support vector machine, at one of a few values of `c` and of
`dense_length`, as `model=linear` and `model=svm` are. Which of them is chosen by cross-validation
inside the training part, by log loss: of few utterances accuracies tie and jump. Where
validation has voices of its own, the divisions keep speakers apart, else dialogues. Features are
scaled as the study scales them, or by the corpus where it does not. Where the models of the study
read what was said before, it does, too, unless cross-validation finds that it loses by that.
"""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config import FeaturesConfig, LinearModel, SearchConfig, SvmModel
from emotion_hpo.config.features import TextFeatures
from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.vectoriser import Vectoriser, Window
from emotion_hpo.dataset.vectors import Vectors, is_sparse
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models.classical import ClassicalModel, divisions, fit_temperature, log_loss
from emotion_hpo.models.linear import Floats, Labels, Loss, fit_path
from emotion_hpo.models.modalities import all_modalities, available_in
from emotion_hpo.runtime.blas import one_blas_thread
from emotion_hpo.runtime.cores import n_cores

Candidate = LinearModel | SvmModel

#: From far too stiff to far too loose, for rows as `dataset.vectoriser` makes them.
_LOGISTIC_CS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_MARGIN_CS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

#: Numbers may weigh less than words, or more; at these values of `c` it is found out.
_DENSE_LENGTHS, _COARSE_CS = (0.3, 1.0, 3.0), (1.0, 10.0)

#: Of a fit that is only compared with others; more moves the losses in the third digit.
_ITERATIONS = 20

#: Of the training part, while choosing; each fits every candidate once.
_N_DIVISIONS = 3

#: Of its dialogue, read beside an utterance. On IEMOCAP logistic regression gains two thirds of
#: what eight turns add by the first three; those beyond add little.
TURNS_BEFORE = 8

#: Rows to learn from, and rows to score.
_Division = tuple[NDArray[np.int64], NDArray[np.int64]]

#: Fewer are no sample of voices: then dialogues are kept apart.
_FEWEST_SPEAKERS = 3


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes:
        model: Which model it is, as `model=linear` or `model=svm` would have it.
        features: How its features are scaled.
        parts: The modalities that it reads.
    """

    model: Candidate
    features: FeaturesConfig
    parts: tuple[str, ...]
    _preprocessor: Preprocessor
    _fitted: ClassicalModel

    @classmethod
    def fit(
        cls,
        train: Utterances,
        features: FeaturesConfig,
        *,
        parts: tuple[str, ...] | None = None,
        model: Candidate | None = None,
        by_speaker: bool = False,
        turns_before: int = 0,
    ) -> "Baseline":
        """Choose and fit on these utterances, and on nothing else.

        Args:
            train: Utterances.
            features: How the study scales its features.
            parts: The modalities to read, of those that are there; None: all.
            model: Take this one, and choose nothing.
            by_speaker: Keep speakers apart while choosing, if there are enough.
            turns_before: How many turns of its dialogue are read beside an utterance, where they
                help.
        """
        available = all_modalities(train)
        chosen = available if parts is None else tuple(n for n in parts if n in available_in(train))
        scaled = _with_scales(features)
        preprocessor = Preprocessor.fit(
            train, scaled, chosen, as_vectors=True, in_dialogues=bool(turns_before)
        )
        data = preprocessor.transform(train)
        model = model or _choose(data, by_speaker=by_speaker, turns_before=turns_before)
        model = model.model_copy(update={"modalities": chosen or None})
        fitted = ClassicalModel(model, len(train.classes))
        fitted.fit(data, seed=0)
        return cls(model, scaled, chosen, preprocessor, fitted)

    def probabilities(self, utterances: Utterances) -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`; a class that training lacked has 0."""
        return self._fitted.probabilities(self._preprocessor.transform(utterances))

    def state(self) -> dict[str, Tensor]:
        """Return what it has learnt."""
        return self._fitted.state()


def count_turns_before(config: SearchConfig, train: Utterances) -> int:
    """Return how many turns the baseline may read beside an utterance: some, if the models do."""
    return TURNS_BEFORE if config.may_read_dialogues and train.in_dialogues else 0


def choose_baseline(
    train: Utterances, features: FeaturesConfig, *, by_speaker: bool, turns_before: int = 0
) -> tuple[Candidate, FeaturesConfig]:
    """Return which model the baseline of these utterances is, and how its features are scaled."""
    scaled, modalities = _with_scales(features), all_modalities(train)
    preprocessor = Preprocessor.fit(
        train, scaled, modalities, as_vectors=True, in_dialogues=bool(turns_before)
    )
    data = preprocessor.transform(train)
    model = _choose(data, by_speaker=by_speaker, turns_before=turns_before)
    return model.model_copy(update={"modalities": modalities or None}), scaled


def describe(model: Candidate) -> str:
    """Return what kind of model it is.

    >>> describe(LinearModel(name="baseline", learner="linear", c=0.3))
    'logistic regression at C = 0.3'
    """
    kind = "logistic regression" if isinstance(model, LinearModel) else "linear SVM"
    turns = f", the {model.turns_before} turns before" if model.turns_before else ""
    return f"{kind} at C = {model.c:g}{turns}"


def _with_scales(features: FeaturesConfig) -> FeaturesConfig:
    """Return the features with a scale each, which a linear model needs, and every word."""
    unscaled = {
        name: section.model_copy(update={"normalise": "corpus"})
        for name, section in features
        if getattr(section, "normalise", None) == "none"
    }
    if isinstance(features.text, TextFeatures):
        unscaled["text"] = features.text.model_copy(update={"min_count": 1})
    return features.model_copy(update=unscaled)


def _choose(data: Dataset, *, by_speaker: bool, turns_before: int = 0) -> Candidate:
    """Return the candidate of the lowest log loss on utterances that it has not learnt from.

    First how much numbers weigh beside words, by logistic regression at few values of `c`; at the
    end, whether the turns before help.
    """
    vectors = Vectoriser.fit(data, characters=True)(data)
    labels = np.unique(data.labels.numpy(), return_inverse=True)[1]
    default = LinearModel(name="baseline", learner="linear")
    if labels.max() == 0 or not sum(vectors.widths):
        return default  # nothing to learn, or to learn from
    groups = _groups(data.utterances, by_speaker=by_speaker)
    parts = list(divisions(labels, groups, int(labels.max()) + 1, _N_DIVISIONS))
    if not parts:
        return default
    with one_blas_thread():  # two threads on busy cores wait for each other
        best = _search_path(vectors, labels, parts)
        if turns_before and _turns_help(best, turns_before, data, labels, parts):
            return best.model_copy(update={"turns_before": turns_before})
    return best


def _turns_help(
    model: Candidate,
    turns_before: int,
    data: Dataset,
    labels: Labels,
    parts: Sequence[_Division],
) -> bool:
    """Return whether a model's log loss is lower with the turns before an utterance beside it."""
    windows = Window(), Window(turns_before)
    rows = [Vectoriser.fit(data, characters=True, window=window)(data) for window in windows]
    (alone,), (beside,) = (_losses([model], vectors, labels, parts) for vectors in rows)
    return beside < alone


def _search_path(vectors: Vectors, labels: Labels, parts: Sequence[_Division]) -> Candidate:
    """Return the best candidate of the best length of numbers beside words."""
    length = 1.0
    if len({is_sparse(block) for block in vectors.blocks}) == 2:
        coarse = [_logistic(c, length) for length in _DENSE_LENGTHS for c in _COARSE_CS]
        length = _best(coarse, vectors, labels, parts).dense_length
    margins = [
        SvmModel(name="baseline", learner="svm", c=c, dense_length=length) for c in _MARGIN_CS
    ]
    candidates = [*(_logistic(c, length) for c in _LOGISTIC_CS), *margins]
    return _best(candidates, vectors, labels, parts)


def _logistic(c: float, dense_length: float) -> Candidate:
    return LinearModel(name="baseline", learner="linear", c=c, dense_length=dense_length)


def _best(
    candidates: Sequence[Candidate], vectors: Vectors, labels: Labels, parts: Sequence[_Division]
) -> Candidate:
    """Return the candidate of the lowest log loss; of equals the first."""
    return candidates[int(np.argmin(_losses(candidates, vectors, labels, parts)))]


def _losses(
    candidates: Sequence[Candidate], vectors: Vectors, labels: Labels, parts: Sequence[_Division]
) -> list[float]:
    """Return each candidate's log loss on utterances that it has not learnt from.

    A path of values of `c` on a division is fitted on a thread of its own, as many as there are
    cores: what takes the time are products, which leave the interpreter to the others.
    """
    groups = itertools.groupby(candidates, key=lambda model: (model.learner, model.dense_length))
    paths = [
        _Path("logistic" if learner == "linear" else "squared_hinge", vectors.with_dense(length),
              [model.c for model in models])
        for (learner, length), models in groups
    ]  # fmt: skip
    with ThreadPoolExecutor(n_cores()) as threads:
        tasks = [[threads.submit(path.scores, labels, *part) for part in parts] for path in paths]
        scores = [np.concatenate([task.result() for task in of_path], 1) for of_path in tasks]
    known = labels[np.concatenate([other for _, other in parts])]
    losses = []
    for path, of_path in zip(paths, scores, strict=True):
        for of_model in of_path:
            heat = 1.0 if path.kind == "logistic" else fit_temperature(of_model, known)
            losses.append(log_loss(of_model / heat, known))
    return losses


def _groups(utterances: Utterances, *, by_speaker: bool) -> NDArray[np.str_]:
    speakers = utterances.table["speaker"].to_numpy(str)
    if by_speaker and len(np.unique(speakers)) >= _FEWEST_SPEAKERS:
        return speakers
    return utterances.table["dialogue"].to_numpy(str)


@dataclass(frozen=True)
class _Path:
    """Candidates that differ in `c` alone, each fitted from the one before."""

    kind: Loss
    vectors: Vectors
    cs: list[float]

    def scores(self, labels: Labels, learnt: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
        """Return the scores `(cs, n, classes)` of other rows than those that are learnt from."""
        path = fit_path(
            self.vectors.rows(learnt),
            labels[learnt],
            int(labels.max()) + 1,
            self.kind,
            self.cs,
            max_iterations=_ITERATIONS,
        )
        rest = self.vectors.rows(other)
        return np.stack([linear.scores(rest) for linear in path])
