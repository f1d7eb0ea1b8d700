"""Each utterance as one row of numbers, for models without layers.

In: a data set whose modalities are vectors (`Preprocessor.fit(as_vectors=True)`). Out: `Vectors`, a
block of columns a modality, dense, and of text tf-idf, sparse: of words and pairs of words,
punctuation included, and of runs of characters. A row of tf-idf has the length 1, and so has a row
of each dense block on average, however many columns it has: 882 of a voice do not drown ten words.
Where an utterance lacks a modality, its columns are 0, the average.
"""

import json
from collections.abc import Mapping
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor

from emotion_hpo.config.features import TEXT
from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.tfidf import KINDS, fit_tfidf, load_tfidf, tfidf_state
from emotion_hpo.dataset.vectors import Vectors, from_bytes, to_bytes


class Vectoriser:
    """Turns utterances into rows.

    Attributes:
        modalities: Of the dense blocks.
    """

    def __init__(self, modalities: tuple[str, ...], texts: Mapping[str, TfidfVectorizer]) -> None:
        self.modalities = modalities
        self._texts = texts
        self._known: WeakKeyDictionary[Dataset, Vectors] = WeakKeyDictionary()

    @classmethod
    def fit(cls, train: Dataset, *, characters: bool) -> "Vectoriser":
        """Fit the words on a training part; all that read it alike share them.

        Args:
            train: The training part.
            characters: Whether text is read by runs of characters, too.
        """
        fitted = _FITTED.setdefault(train, {})
        if characters not in fitted:
            kinds = tuple(KINDS) if characters else ("words",)
            texts = fit_tfidf(_transcripts(train), kinds) if TEXT in train.n_steps else {}
            modalities = tuple(name for name in train.n_steps if name != TEXT)
            fitted[characters] = cls(modalities, texts)
        return fitted[characters]

    def __call__(self, data: Dataset) -> Vectors:
        """Return the rows of a data set; they are computed once."""
        if data not in self._known:
            dense = _dense(data)
            blocks = [
                dense[name] / np.sqrt(np.float32(dense[name].shape[1])) for name in self.modalities
            ]
            transcripts = _transcripts(data) if self._texts else []
            blocks += [text.transform(transcripts) for text in self._texts.values()]
            self._known[data] = Vectors(tuple(blocks), len(data))
        return self._known[data]

    def state(self) -> dict[str, Tensor]:
        """Return what makes it again: the words as JSON, their weights."""
        modalities = to_bytes(json.dumps(self.modalities).encode())
        return {"modalities": modalities, **tfidf_state(self._texts)}

    @classmethod
    def load(cls, state: Mapping[str, Tensor]) -> Self:
        """Make it again."""
        return cls(tuple(json.loads(from_bytes(state["modalities"]))), load_tfidf(state))


#: Whether characters are read → the vectoriser that was fitted on a training part.
_FITTED: WeakKeyDictionary[Dataset, dict[bool, Vectoriser]] = WeakKeyDictionary()

#: The dense blocks of a data set, unweighted.
_DENSE: WeakKeyDictionary[Dataset, dict[str, NDArray[np.float32]]] = WeakKeyDictionary()


def _dense(data: Dataset) -> dict[str, NDArray[np.float32]]:
    if data not in _DENSE:
        batch = data.batch(np.arange(len(data)))
        _DENSE[data] = {
            name: sequence.values[:, 0].numpy()
            for name, sequence in batch.modalities.items()
            if name != TEXT
        }
    return _DENSE[data]


def _transcripts(data: Dataset) -> list[str]:
    transcripts = data.utterances.table["transcript"]
    return [text if isinstance(text, str) else "" for text in transcripts]
