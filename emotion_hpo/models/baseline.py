"""The plain model that every network is compared with: logistic regression, fitted in seconds.

It sees tf-idf of a transcript's words and pairs of words, and an utterance's means and deviations
of each speech feature (of every other feature where a corpus has no speech), standardised. Nothing
is tuned: scikit-learn's defaults, fitted on the utterances it is given and on nothing else. Where
these have one class, or nothing to look at, there is nothing to fit: it answers by their shares.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emotion_hpo.features.text import tokenise
from emotion_hpo.features.utterances import Utterances

TEXT, SPEECH = "text", "speech"
_MAX_ITERATIONS = 2000  # the default of 100 ends before it converges


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes:
        parts: The modalities that it sees.
        n_classes: Of the corpus, those that training lacks included.
    """

    parts: tuple[str, ...]
    n_classes: int
    _words: TfidfVectorizer | None
    _scalers: dict[str, StandardScaler]
    _classifier: LogisticRegression | DummyClassifier

    @classmethod
    def fit(cls, train: Utterances, parts: tuple[str, ...]) -> "Baseline":
        """Fit on these utterances; `parts` are the modalities to look at."""
        words = None
        texts = _texts(train)
        if TEXT in parts and any(map(tokenise, texts)):
            words = TfidfVectorizer(
                ngram_range=(1, 2), tokenizer=tokenise, token_pattern=None, lowercase=False
            ).fit(texts)
        scalers = {}
        for part in parts:
            if part == TEXT:
                continue
            functionals = _functionals(train, part)
            is_known = np.isfinite(functionals).any(0)
            if is_known.any():
                functionals[:, ~is_known] = 0  # a mean of nothing would be warned of
                scalers[part] = StandardScaler().fit(functionals)
        is_fittable = len(np.unique(train.labels)) > 1 and (words is not None or scalers)
        classifier = (
            LogisticRegression(max_iter=_MAX_ITERATIONS)
            if is_fittable
            else DummyClassifier(strategy="prior")
        )
        fitted = cls(parts, len(train.classes), words, scalers, classifier)
        classifier.fit(fitted._vectorise(train), train.labels)
        return fitted

    def probabilities(self, utterances: Utterances) -> NDArray[np.float32]:
        """Return class probabilities `(n, classes)`; a class that training lacked has 0."""
        probabilities_NC = np.zeros((len(utterances), self.n_classes), np.float32)
        known_NC = self._classifier.predict_proba(self._vectorise(utterances))
        probabilities_NC[:, self._classifier.classes_] = known_NC
        return probabilities_NC

    def _vectorise(self, utterances: Utterances) -> Any:  # noqa: ANN401 (a sparse matrix)
        blocks = [sparse.csr_matrix((len(utterances), 0))]
        if self._words is not None:
            blocks.append(self._words.transform(_texts(utterances)))
        for part, scaler in self._scalers.items():
            functionals = _functionals(utterances, part, scaler.n_features_in_)
            # The average stands where an utterance lacks the modality
            blocks.append(sparse.csr_matrix(np.nan_to_num(scaler.transform(functionals))))
        return sparse.hstack(blocks).tocsr()


def choose_parts(modalities: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modalities that a baseline looks at: text and speech, or whatever else there is.

    >>> choose_parts(("mocap", "speech", "text")), choose_parts(("mocap",))
    (('text', 'speech'), ('mocap',))
    """
    usual = tuple(part for part in (TEXT, SPEECH) if part in modalities)
    others = tuple(part for part in modalities if part not in usual)
    return usual if SPEECH in usual else (*usual, *others)


def _texts(utterances: Utterances) -> list[str]:
    return [text if isinstance(text, str) else "" for text in utterances.table["transcript"]]


def _functionals(
    utterances: Utterances, modality: str, width: int | None = None
) -> NDArray[np.float64]:
    """Return means and deviations `(n, 2d)` over valid frames; NaN where there is none.

    Args:
        utterances: Whose.
        modality: Of the features.
        width: `2d`; without it, as the utterances have it. Where a whole session lacks the
            modality, its features have no width of their own.
    """
    rows = [
        _compute_functionals(utterances.sequence(modality, row)) for row in range(len(utterances))
    ]
    if width is None:
        width = max((len(row) for row in rows), default=0)
    missing = np.full(width, np.nan)
    return np.array([row if len(row) else missing for row in rows]).reshape(len(rows), width)


def _compute_functionals(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    valid = np.isfinite(frames)
    n = np.where(valid.any(0), valid.sum(0), np.nan)
    zeroed = np.where(valid, frames, 0).astype(np.float64)
    mean = zeroed.sum(0) / n
    squares = np.where(valid, (zeroed - mean) ** 2, 0).sum(0) / n
    functionals: NDArray[np.float64] = np.concatenate([mean, np.sqrt(squares)])
    return functionals
