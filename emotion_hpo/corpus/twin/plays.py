"""Lines of the plays: word for word the same in every session, but for slips."""

from collections.abc import Sequence, Set

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import figures

#: Share of the lines said as written in the first session; later ones follow from `REPEATED`.
_EXACT = 0.5
#: What an actor who hesitates says.
_HESITATIONS = ("uh", "um", "well", "oh", "so", "yeah")


def slipped(line: str, n_words: int, rng: np.random.Generator) -> str:
    """A line as somebody says it who slips, in exactly so many words.

    A word gives way to a hesitation or is said twice; too long a line is cut short before its last
    word, too short a one begins with hesitations.
    """
    words = line.split()
    while len(words) < n_words:
        words.insert(int(rng.integers(len(words))), str(rng.choice(_HESITATIONS)))
    if len(words) > n_words:
        words = [*words[: n_words - 1], words[-1]]
    if len(words) > 1:
        place = int(rng.integers(len(words) - 1))
        again = place > 0 and rng.random() < 0.5
        words[place] = words[place - 1] if again else str(rng.choice(_HESITATIONS))
    words[0] = words[0][0].upper() + words[0][1:]
    return " ".join(words)


def repeated(
    exact: Sequence[str],
    slips: Sequence[str],
    rows: pd.DataFrame,
    known: Set[str] | None,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which turns are said as written, so that IEMOCAP's share is repeated from earlier sessions.

    Args:
        exact: Each turn as written.
        slips: Each turn as it is with a slip; as written, where it is improvised.
        rows: The turns, with `line`, `n_words`, `line_words` and `emotion`.
        known: What was said in earlier sessions; None in the first.
        rng: Decides who slips.
    """
    as_long = (rows["line"] >= 0).to_numpy() & (rows["n_words"] == rows["line_words"]).to_numpy()
    if known is None:
        return np.asarray(as_long & (rng.random(len(rows)) < _EXACT))
    has_class = rows["emotion"].notna().to_numpy()
    again = np.array([text in known for text in slips])
    candidates = as_long & ~again & np.array([text in known for text in exact])
    missing = round(figures.REPEATED * has_class.sum()) - int(again[has_class].sum())
    chosen = np.zeros(len(rows), dtype=bool)
    of_class = rng.permutation(np.flatnonzero(candidates & has_class))[: max(missing, 0)]
    chosen[of_class] = True
    # Turns between the utterances are said as exactly as these.
    share = len(of_class) / max(1, int((as_long & has_class).sum()))
    return np.asarray(chosen | (as_long & ~has_class & (rng.random(len(rows)) < share)))
