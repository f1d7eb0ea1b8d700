"""More utterances of the same kind than the corpus has: to learn a configuration's true accuracy.

A draw takes the shape of utterances of the full twin (who is long, what is scripted, how many
markers are lost) and fills it anew: by the known speakers, or by speakers that nobody has heard.
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
    """Which utterances are drawn.

    Attributes:
        n: How many.
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
    """Draw rows of the full twin's shape and give them new names.

    Args:
        seed: The corpus's.
        draw: How many, and by whom.
        full: The plan of the full twin.

    Returns:
        As the plan, sorted by id.
    """
    rng = stream(seed, draw.key, "rows")
    pool = full if draw.like is None else full[full["session"] == draw.like]
    rounds = -(-draw.n // len(pool))  # as often as needed, each row before any comes again
    chosen = np.concatenate([rng.permutation(len(pool)) for _ in range(rounds)])[: draw.n]
    rows = pool.iloc[chosen].reset_index(drop=True)
    if not draw.known:
        n_sessions = max(1, round(draw.n / _PER_SESSION))
        session = _FIRST_SESSION + rng.permutation(draw.n) % n_sessions
        width = len(str(session.max()))  # so that names sort as numbers do
        rows["session"] = [str(number).zfill(width) for number in session]
        prefix = "Ses" + rows["session"].str.zfill(2)
        rows["dialogue"] = prefix + rows["dialogue"].str[5:]
        rows["speaker"] = prefix + rows["speaker"].str[-1]
    gender = rows["speaker"].str[-1]
    turn = rows.groupby(["dialogue", "speaker"]).cumcount()
    # Numbers that no dialogue of the corpus reaches, so that a draw's ids are never the corpus's.
    rows["utterance_id"] = rows["dialogue"] + "_" + gender + (1000 + turn).astype(str)
    seconds = rows["end_s"] - rows["start_s"]
    rows["end_s"] = (seconds + 2).groupby(rows["dialogue"]).cumsum().round(4)
    rows["start_s"] = (rows["end_s"] - seconds).round(4)
    return rows.sort_values("utterance_id", ignore_index=True)
