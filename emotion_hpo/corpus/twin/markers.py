"""How often markers of the motion capture are lost in each turn: the published shares."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.figures import SESSIONS, SessionFigures
from emotion_hpo.corpus.twin.randomness import stream


def lost_shares(seed: int, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Share of each turn's motion frames with a lost marker; NaN where there is no file.

    The published figures are met by the turns that have a class; the others are like them.
    """
    shares = np.full(len(rows), np.nan)
    has_class = rows["emotion"].notna().to_numpy()
    for session, of_session in rows.groupby("session"):
        rng = stream(seed, "markers", str(session))
        # Markers come off in a dialogue and stay off: its turns are alike.
        mood = {name: rng.normal() for name in dict.fromkeys(of_session["dialogue"])}
        for of_class in (True, False):
            turns = of_session[has_class[of_session.index] == of_class]
            scores = np.array([mood[name] + rng.normal() for name in turns["dialogue"]])
            moved = ~turns["still"].to_numpy()
            shares[turns.index[moved]] = _shares(scores[moved], SESSIONS[str(session)], rng)
    return shares


def _shares(
    scores: NDArray[np.float64], session: SessionFigures, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Always, never, and in between with the session's mean; the higher the score, the more."""
    n = len(scores)
    ratio = n / (session.total - session.no_motion)
    order = np.argsort(scores)
    shares = np.empty(n)
    n_always, n_never = round(session.nan_always * ratio), round(session.nan_never * ratio)
    between = order[n_never : n - n_always]
    shares[order[:n_never]] = 0.0
    shares[order[n - n_always :]] = 1.0
    if len(between):
        mean = float(np.clip((session.nan_share * n - n_always) / len(between), 0.05, 0.95))
        drawn = np.sort(rng.beta(2 * mean, 2 * (1 - mean), size=len(between)))
        shares[between] = np.clip(drawn * mean / drawn.mean(), 0.01, 0.99)
    return shares
