"""More utterances of the same kind than the corpus has: to learn a configuration's true accuracy.

A draw takes the shape of dialogues of the full twin (whose turn is when, with what label, which
lines of a play) and fills it anew: by the known speakers, or by speakers that nobody has heard.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emotion_hpo.corpus.twin.randomness import stream

#: Utterances of a pair of fresh speakers: many speakers, and enough of each to normalise by.
_PER_SESSION = 250
#: First number of the fresh speakers' sessions; IEMOCAP has 1 to 5.
_FIRST_SESSION = 6


@dataclass(frozen=True)
class Draw:
    """Which utterances are drawn, with the turns around them.

    Attributes:
        n: How many utterances of a class.
        seed: Of the draw; the corpus's own seed stays what its speakers follow from.
        known: Whether the corpus's own speakers speak, or fresh ones.
        like: Session whose shape is drawn, or None for all.
    """

    n: int
    seed: int
    known: bool
    like: str | None = None

    @property
    def key(self) -> str:
        """What names this draw's random streams."""
        return f"{'known' if self.known else 'fresh'}{self.seed}/"


def drawn(seed: int, draw: Draw, full: pd.DataFrame) -> pd.DataFrame:
    """Draw whole dialogues of the full twin's shape and give them new names.

    Args:
        seed: The corpus's.
        draw: How many utterances of a class, and by whom.
        full: The full twin's turns.

    Returns:
        As the plan, sorted by id; the last dialogue ends with the last utterance.
    """
    rng = stream(seed, draw.key, "rows")
    pool = full if draw.like is None else full[full["session"] == draw.like]
    dialogues = dict(list(pool.sort_values("turn").groupby("dialogue")))
    names = list(dialogues)
    parts: list[pd.DataFrame] = []
    n_left = draw.n
    while n_left > 0:  # each dialogue before any comes again
        for chosen in rng.permutation(len(names)):
            rows = dialogues[names[chosen]]
            reached = rows["emotion"].notna().cumsum()
            parts.append(rows[reached.shift(fill_value=0) < n_left])
            n_left -= int(reached.iloc[-1])
            if n_left <= 0:
                break
    # Pairs play scenes of all moods, as IEMOCAP's do: neighbours in this order go to other pairs.
    parts.sort(key=lambda part: str(part["emotion"].mode().iloc[0]))
    rows = pd.concat(parts, ignore_index=True)
    number = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    gender, prefix = rows["speaker"].str[-1], rows["dialogue"].str[:5]
    if not draw.known:
        n_sessions = min(max(1, round(draw.n / _PER_SESSION)), len(parts))
        session = pd.Series(_FIRST_SESSION + number % n_sessions)
        width = len(str(session.max()))  # so that names sort as numbers do
        rows["session"] = session.astype(str).str.zfill(width)
        prefix = "Ses" + rows["session"].str.zfill(2)
        rows["speaker"] = prefix + gender
    # Numbered, so that a draw's ids are never the corpus's.
    take = pd.Series(number).astype(str).str.zfill(4)
    rows["dialogue"] = prefix + rows["dialogue"].str[5:] + "_" + take
    rows["utterance_id"] = rows["dialogue"] + "_" + rows["utterance_id"].str[-4:]
    return rows.sort_values("utterance_id", ignore_index=True)
