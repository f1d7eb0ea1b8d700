"""Each transcript as one vector for a network: the leading components of its tf-idf.

In: transcripts of the training part. Out: `TextFactors`, which makes `(n, k)` of any transcripts. A
network whose word vectors start at random learns from few utterances what words have in common; a
truncated singular value decomposition (latent semantic analysis) has it before any training.
"""

from collections.abc import Mapping
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from emotion_hpo.dataset.tfidf import fit_tfidf, load_tfidf, tfidf_state
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.runtime.blas import one_blas_thread

#: Of each kind, the most frequent: 500 components of them are 20 MB of a model's file.
_MOST_TERMS = 10_000

#: A term of a single utterance says nothing of others.
_FEWEST_UTTERANCES = 2

#: Of the first singular value; a component below is rounding.
_SMALLEST = 1e-4


class TextFactors:
    """The leading components of a training part's tf-idf.

    Args:
        texts: Kind of term → its fitted block.
        components: `(terms, k)` float16, of the length that `transform` returns. They are rounded
            before they are first used, so that a stored model answers as the trained one did.
        means: `(k,)` float32 over the training part.
    """

    def __init__(
        self,
        texts: Mapping[str, TfidfVectorizer],
        components: NDArray[np.float16],
        means: NDArray[np.float32],
    ) -> None:
        self._texts = texts
        self._components = components
        self._means = means
        self._known: WeakKeyDictionary[Utterances, NDArray[np.float32]] = WeakKeyDictionary()

    @classmethod
    def fit(cls, train: Utterances, n_components: int) -> "TextFactors":
        """Fit on a training part; all trials that read it share the result.

        Args:
            train: The training part.
            n_components: At most; fewer where there are fewer.

        Raises:
            ConfigError: No utterance has a word.
        """
        fitted = _FITTED.setdefault(train, {})
        if n_components not in fitted:
            fitted[n_components] = _fit(train, n_components)
        return fitted[n_components]

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return len(self._means)

    def transform(self, utterances: Utterances) -> NDArray[np.float32]:
        """Return `(n, k)`: over the training part of mean 0, and of mean square 1 all together.

        A row is NaN where there is no transcript, or none of its terms is known. It is computed
        once, and the same whichever utterances stand beside it.
        """
        if utterances not in self._known:
            rows = _weigh(self._texts, utterances)
            terms = np.unique(rows.indices)
            values = rows[:, terms] @ self._components[terms].astype(np.float32) - self._means
            values[_is_empty(rows)] = np.nan
            self._known[utterances] = values
        return self._known[utterances]

    def state(self) -> dict[str, Tensor]:
        """Return what makes it again, in tensors alone."""
        arrays = {"components": self._components, "means": self._means}
        return tfidf_state(self._texts) | {
            name: torch.from_numpy(array) for name, array in arrays.items()
        }

    @classmethod
    def load(cls, state: Mapping[str, Tensor]) -> Self:
        """Make it again."""
        return cls(load_tfidf(state), state["components"].numpy(), state["means"].numpy())


#: Number of components → what was fitted on a training part.
_FITTED: WeakKeyDictionary[Utterances, dict[int, TextFactors]] = WeakKeyDictionary()


def _fit(train: Utterances, n_components: int) -> TextFactors:
    transcripts = _transcripts(train)
    for min_df in (_FEWEST_UTTERANCES, 1):  # of a handful of utterances nothing may occur twice
        if texts := fit_tfidf(transcripts, min_df=min_df, max_features=_MOST_TERMS):
            break
    else:
        raise ConfigError(
            "model.encoders.text_factors: no training utterance has words; leave the encoder out "
            "(model=…) or give the corpus transcripts"
        )
    rows = _weigh(texts, train)
    rows = rows[~_is_empty(rows)]
    n_components = min(n_components, *rows.shape)
    with one_blas_thread():  # more threads add up in another order: other last bits
        _, sizes, right = randomized_svd(rows, n_components, random_state=0)
        components = right[sizes > _SMALLEST * sizes[0]].T
        values = rows @ components
    # All by one factor: scaled by itself, the last component would weigh as much as the first
    length = np.sqrt(values.var(axis=0).mean())
    factor = np.float32(1 / length if length > _SMALLEST else 1)
    means = (values.mean(axis=0) * factor).astype(np.float32)
    return TextFactors(texts, np.ascontiguousarray(components * factor, np.float16), means)


def _weigh(texts: Mapping[str, TfidfVectorizer], utterances: Utterances) -> sparse.csr_matrix:
    """Return the tf-idf of all kinds of terms side by side, `(n, terms)`."""
    transcripts = _transcripts(utterances)
    blocks = [text.transform(transcripts) for text in texts.values()]
    return sparse.csr_matrix(sparse.hstack(blocks))


def _transcripts(utterances: Utterances) -> list[str]:
    return [text if isinstance(text, str) else "" for text in utterances.table["transcript"]]


def _is_empty(rows: sparse.csr_matrix) -> NDArray[np.bool_]:
    return np.asarray(np.diff(rows.indptr) == 0)
