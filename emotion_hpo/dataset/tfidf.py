"""Weights of the words, pairs of words and runs of characters of a transcript (tf-idf).

In: transcripts. Out: sparse rows of length 1, one block for words and pairs, punctuation included,
and one for runs of two to five characters. A fitted block is its terms and their weights.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor

from emotion_hpo.dataset.vectors import from_bytes, to_bytes

#: A bracketed sound, a word in any script, or a mark that carries emotion.
_WORD_OR_MARK = r"""\[[^\[\]]+\]|[^\s!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~…“”„«»—–¿¡]+|[!?…]|\.{2,}"""

#: Kind of term → scikit-learn's options.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "words": {"ngram_range": (1, 2), "token_pattern": _WORD_OR_MARK},
    # A run of characters that occurs once says nothing, and most do
    "characters": {"ngram_range": (2, 5), "analyzer": "char_wb", "min_df": 2},
}


def fit_tfidf(
    transcripts: Sequence[str],
    kinds: Iterable[str] = tuple(KINDS),
    **options: Any,  # noqa: ANN401 (scikit-learn's own)
) -> dict[str, TfidfVectorizer]:
    """Fit each kind of term on transcripts; those of which nothing is frequent are left out.

    Args:
        transcripts: Of the training part.
        kinds: Of `KINDS`.
        **options: Of scikit-learn's `TfidfVectorizer`, in the place of those in `KINDS`.
    """
    fitted = {}
    for kind in kinds:
        try:
            fitted[kind] = _make(kind, **options).fit(transcripts)
        except ValueError:  # an empty vocabulary
            continue
    return fitted


def tfidf_state(fitted: Mapping[str, TfidfVectorizer]) -> dict[str, Tensor]:
    """Return what makes fitted blocks again: the terms as JSON, their weights."""
    tensors = {}
    for kind, text in fitted.items():
        terms = sorted(text.vocabulary_, key=text.vocabulary_.__getitem__)
        tensors[f"{kind}.terms"] = to_bytes(json.dumps(terms).encode())
        tensors[f"{kind}.idf"] = torch.from_numpy(np.asarray(text.idf_, np.float32))
    return tensors


def load_tfidf(state: Mapping[str, Tensor]) -> dict[str, TfidfVectorizer]:
    """Make fitted blocks again."""
    fitted = {}
    for kind in KINDS:
        if f"{kind}.terms" in state:
            terms = json.loads(from_bytes(state[f"{kind}.terms"]))
            text = _make(kind, vocabulary={term: at for at, term in enumerate(terms)})
            text.idf_ = state[f"{kind}.idf"].numpy()
            fitted[kind] = text
    return fitted


def _make(kind: str, **options: Any) -> TfidfVectorizer:  # noqa: ANN401 (scikit-learn's own)
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **{**KINDS[kind], **options})
