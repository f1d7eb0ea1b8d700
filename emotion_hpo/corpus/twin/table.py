"""The twin's utterance table, with the hidden columns that its recordings follow from.

No sound and no motion is made for it: the table of all sessions takes a fraction of a second.
"""

from collections.abc import Iterator
from functools import lru_cache

import pandas as pd

from emotion_hpo.corpus.twin import expression, figures, sentences, shape
from emotion_hpo.corpus.twin.draws import Draw, drawn
from emotion_hpo.corpus.twin.expression import Act
from emotion_hpo.corpus.twin.figures import CLASSES

#: Columns that the recordings follow from, and that no reader of the corpus sees.
HIDDEN = ("shown", "intensity", "n_words", "nan_share")


@lru_cache(maxsize=8)
def twin_table(seed: int, scale: float, draw: Draw | None) -> pd.DataFrame:
    """All utterances of a twin, sorted by id; the caller must not change it."""
    if draw is None:
        return _told(seed, "", shape.plan(seed, scale), scale)
    full = twin_table(seed, 1.0, None)
    rows = drawn(seed, draw, full.drop(columns=["transcript"]))
    trained = full[full["session"] != "5"]
    rows = _expressed(seed, draw.key, rows)
    rows["transcript"] = sentences.transcripts(seed, draw.key, rows, trained)
    return _with_sounds(seed, draw.key, rows, len(rows) / len(full))


def _told(seed: int, key: str, rows: pd.DataFrame, scale: float) -> pd.DataFrame:
    """Fill a plan, session by session, since later sessions repeat lines of earlier ones."""
    rows = _expressed(seed, key, rows)
    filled: pd.DataFrame | None = None
    for _, session in rows.groupby("session"):
        said = sentences.transcripts(seed, key, session, filled)
        filled = pd.concat([filled, session.assign(transcript=said)])
    assert filled is not None, "a twin has sessions"
    return _with_sounds(seed, key, filled.sort_values("utterance_id", ignore_index=True), scale)


def _expressed(seed: int, key: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Add what each utterance shows and how it was annotated."""
    expressions = [
        expression.shown(seed, key + name, CLASSES.index(emotion))
        for name, emotion in zip(rows["utterance_id"], rows["emotion"], strict=True)
    ]
    valence, activation, dominance = zip(*(shown.attributes for shown in expressions), strict=True)
    return rows.assign(
        shown=[shown.emotion for shown in expressions],
        intensity=[shown.intensity for shown in expressions],
        valence=valence,
        activation=activation,
        dominance=dominance,
        votes=[shown.votes for shown in expressions],
        has_speech=True,
        has_text=True,
        has_mocap=rows["nan_share"].notna(),
    )


def _with_sounds(seed: int, key: str, rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """Put the published number of bracketed sounds into the transcripts."""
    count = shape.scaled(figures.BRACKETED, share)
    return rows.assign(transcript=sentences.with_sounds(seed, key, rows, count))


def acts(rows: pd.DataFrame, key: str) -> Iterator[tuple[str, str, Act]]:
    """Id, speaker and act of each row; `key` names a draw's streams."""
    seconds = rows["end_s"] - rows["start_s"]
    for utterance_id, speaker, *facts in zip(
        rows["utterance_id"], rows["speaker"], rows["shown"], rows["intensity"], rows["n_words"],
        seconds, rows["wears_markers"], rows["nan_share"], strict=True,
    ):  # fmt: skip
        yield utterance_id, speaker, Act(key + utterance_id, *facts)
