"""Each utterance as one row of numbers, for models without layers.

In: a data set whose modalities are vectors (`Preprocessor.fit(as_vectors=True)`). Out: `Vectors`, a
block of columns a modality, dense, and of text tf-idf, sparse: of words and pairs of words,
punctuation included, and of runs of characters. A row of tf-idf has the length 1, and so has a row
of each dense block on average, however many columns it has: 882 of a voice do not drown ten words.
Where an utterance lacks a modality, its columns are 0, the average.

Of its dialogue, the turns before an utterance and those after it have blocks of their own: means of
the numbers, and the sum of the words' rows at the length 1, as if their words were one text.
"""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from torch import Tensor

from emotion_hpo.dataset.batches import Dataset, UtteranceDataset
from emotion_hpo.dataset.tfidf import KINDS, fit_tfidf, load_tfidf, tfidf_state
from emotion_hpo.dataset.vectors import Vectors, from_bytes, is_sparse, to_bytes


@dataclass(frozen=True)
class Window:
    """How many turns of its dialogue are read beside an utterance."""

    before: int = 0
    after: int = 0


class Vectoriser:
    """Turns utterances into rows.

    Attributes:
        modalities: Of the dense blocks.
    """

    def __init__(
        self,
        modalities: tuple[str, ...],
        texts: Mapping[str, TfidfVectorizer],
        window: Window = Window(),
    ) -> None:
        self.modalities = modalities
        self._texts = texts
        self._window = window
        self._known: WeakKeyDictionary[Dataset, Vectors] = WeakKeyDictionary()

    @classmethod
    def fit(
        cls,
        train: Dataset,
        *,
        characters: bool,
        window: Window = Window(),
    ) -> "Vectoriser":
        """Fit the words on a training part; all that read it alike share them.

        Args:
            train: The training part; all turns that are read beside its utterances are of it.
            characters: Whether text is read by runs of characters, too.
            window: The turns that are read beside an utterance.
        """
        fitted, turns = _FITTED.setdefault(train, {}), train.turns
        if (characters, window) not in fitted:
            kinds = tuple(KINDS) if characters else ("words",)
            texts = fit_tfidf(_transcripts(turns), kinds) if turns.reads_words else {}
            fitted[characters, window] = cls(turns.dense_modalities, texts, window)
        return fitted[characters, window]

    def __call__(self, data: Dataset) -> Vectors:
        """Return the rows of a data set; they are computed once."""
        if data not in self._known:
            turns = self._turn_by_turn(data.turns)
            blocks = list(turns.blocks if data is data.turns else turns.rows(data.places).blocks)
            sides = [(-self._window.before, -1)] * bool(self._window.before)
            sides += [(1, self._window.after)] * bool(self._window.after)
            for first, last in sides:
                means = _average(data.neighbours(first, last), turns.n)
                blocks += [
                    normalize(means @ block, copy=False) if is_sparse(block) else means @ block
                    for block in turns.blocks
                ]
            self._known[data] = Vectors(tuple(blocks), len(data))
        return self._known[data]

    def _turn_by_turn(self, turns: UtteranceDataset) -> Vectors:
        """Return the rows of all turns, each alone."""
        if turns not in self._known:
            dense = _dense(turns)
            blocks = [
                dense[name] / np.sqrt(np.float32(dense[name].shape[1])) for name in self.modalities
            ]
            transcripts = _transcripts(turns) if self._texts else []
            blocks += [text.transform(transcripts) for text in self._texts.values()]
            self._known[turns] = Vectors(tuple(blocks), len(turns))
        return self._known[turns]

    def state(self) -> dict[str, Tensor]:
        """Return what makes it again: the words as JSON, their weights."""
        modalities = to_bytes(json.dumps(self.modalities).encode())
        window = torch.tensor(astuple(self._window))
        return {"modalities": modalities, "window": window, **tfidf_state(self._texts)}

    @classmethod
    def load(cls, state: Mapping[str, Tensor]) -> Self:
        """Make it again."""
        modalities = tuple(json.loads(from_bytes(state["modalities"])))
        window = Window(*state["window"].tolist()) if "window" in state else Window()
        return cls(modalities, load_tfidf(state), window)


#: Whether characters are read, and the turns beside → what was fitted on a training part.
_FITTED: WeakKeyDictionary[Dataset, dict[tuple[bool, Window], Vectoriser]] = WeakKeyDictionary()

#: The dense blocks of a data set, unweighted.
_DENSE: WeakKeyDictionary[Dataset, dict[str, NDArray[np.float32]]] = WeakKeyDictionary()


def _dense(data: UtteranceDataset) -> dict[str, NDArray[np.float32]]:
    if data not in _DENSE:
        batch = data.batch(np.arange(len(data)))
        _DENSE[data] = {
            name: batch.modalities[name].values[:, 0].numpy() for name in data.dense_modalities
        }
    return _DENSE[data]


def _average(neighbours: list[NDArray[np.int64]], n_turns: int) -> Any:  # noqa: ANN401 (sparse)
    """Return the matrix `(n, turns)` that averages turns; a row without any is 0."""
    counts = np.array([len(turns) for turns in neighbours])
    ends = np.concatenate([[0], counts.cumsum()])
    shares = np.repeat(1 / np.maximum(1, counts), counts).astype(np.float32)
    columns = np.concatenate([*neighbours, np.zeros(0, np.int64)])
    return sparse.csr_matrix((shares, columns, ends), shape=(len(neighbours), n_turns))


def _transcripts(data: Dataset) -> list[str]:
    transcripts = data.utterances.table["transcript"]
    return [text if isinstance(text, str) else "" for text in transcripts]
