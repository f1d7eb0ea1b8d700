"""Word vectors of a corpus's own words, where nobody has given some that others have learnt.

Words that occur beside the same words get similar vectors: positive pointwise mutual information of
words at most five apart, factored (Levy and Goldberg, "Neural word embedding as implicit matrix
factorization", NIPS 2014). No label is read. The file is GloVe's format.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.features.text import tokenise
from emotion_hpo.study import write_bytes

#: Words so far apart count as beside each other.
_WINDOW = 5


def write_word_vectors(transcripts: Iterable[str], dimensions: int, path: Path) -> None:
    """Write a vector for each word of some transcripts; dimensions beyond their words are zero."""
    turns = [tokenise(transcript) for transcript in transcripts]
    words = sorted({word for turn in turns for word in turn})
    vectors = _factor(_count_pairs(turns, {word: row for row, word in enumerate(words)}))
    padded = np.zeros((len(words), dimensions))
    width = min(dimensions, vectors.shape[1])
    padded[:, :width] = vectors[:, :width]
    lines = (
        f"{word} {' '.join(f'{value:.5f}' for value in row)}\n"
        for word, row in zip(words, padded, strict=True)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, "".join(lines).encode())


def _count_pairs(turns: Iterable[list[str]], rows: dict[str, int]) -> NDArray[np.float64]:
    """Count words beside each other `(words, words)`."""
    pairs: Counter[tuple[int, int]] = Counter()
    for turn in turns:
        places = [rows[word] for word in turn]
        for at, row in enumerate(places):
            for other in places[at + 1 : at + 1 + _WINDOW]:
                pairs[row, other] += 1
                pairs[other, row] += 1
    counts = np.zeros((len(rows), len(rows)))
    for (row, other), n in pairs.items():
        counts[row, other] = n
    return counts


def _factor(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the words' coordinates in the directions of most mutual information, of unit scale."""
    totals = counts.sum(1)
    expected = np.outer(totals, totals) / max(totals.sum(), 1)
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=counts > 0)
    values, directions = np.linalg.eigh(np.maximum(np.log(ratio), 0))
    order = np.argsort(-np.abs(values), kind="stable")
    signs = np.sign(directions[np.abs(directions).argmax(0), np.arange(len(values))])
    coordinates = (directions * signs * np.sqrt(np.abs(values)))[:, order]
    deviation = float(coordinates[:, : min(300, len(values))].std())
    return np.asarray(coordinates * (0.3 / max(deviation, 1e-9)))  # as GloVe's spread, about
