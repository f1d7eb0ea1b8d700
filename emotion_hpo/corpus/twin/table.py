"""The twin's utterance table, with the hidden columns that its recordings follow from.

No sound and no motion is made for it: the table of all sessions takes a fraction of a second.
"""

from collections.abc import Iterator
from functools import lru_cache

import pandas as pd

from emotion_hpo.corpus.twin import expression, figures, sentences, shape, sizes
from emotion_hpo.corpus.twin.draws import Draw, drawn
from emotion_hpo.corpus.twin.expression import Act

#: Columns that the recordings follow from, and that no reader of the corpus sees.
HIDDEN = (
    "label", "said", "mood", "line", "line_words", "shown", "meant", "intensity", "n_words",
    "nan_share",
)  # fmt: skip


@lru_cache(maxsize=8)
def twin_table(seed: int, scale: float, draw: Draw | None) -> pd.DataFrame:
    """All turns of a twin, sorted by id; the caller must not change it."""
    if draw is None:
        return _filled(seed, shape.plan(seed, scale), scale)
    full = twin_table(seed, 1.0, None)
    rows = _expressed(seed, draw.key, drawn(seed, draw, full.drop(columns=["transcript"])))
    trained = full[(full["session"] != "5") & full["emotion"].notna()]
    rows["transcript"] = sentences.transcripts(seed, draw.key, rows, set(trained["transcript"]))
    n_all = int(full["emotion"].notna().sum())
    return _with_sounds(seed, draw.key, rows, int(rows["emotion"].notna().sum()) / n_all)


def _filled(seed: int, rows: pd.DataFrame, scale: float) -> pd.DataFrame:
    """Fill a plan, session by session, since later sessions repeat lines of earlier ones."""
    rows = _expressed(seed, "", rows)
    sessions: list[pd.DataFrame] = []
    known: set[str] = set()
    for _, session in rows.groupby("session"):
        said = sentences.transcripts(seed, "", session, known if sessions else None)
        sessions.append(session.assign(transcript=said))
        known |= set(sessions[-1].loc[session["emotion"].notna(), "transcript"])
    filled = pd.concat(sessions).sort_values("utterance_id", ignore_index=True)
    return _with_sounds(seed, "", filled, scale)


def _expressed(seed: int, key: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Add what each turn shows and how it was annotated."""
    expressions = [
        expression.shown(seed, key + name, label, mood)
        for name, label, mood in zip(rows["utterance_id"], rows["label"], rows["mood"], strict=True)
    ]
    lines = rows.drop_duplicates("line").query("line >= 0")
    meant = {
        line: expression.shown(seed, f"line{line}", label, mood).emotion
        for line, label, mood in zip(lines["line"], lines["said"], lines["mood"], strict=True)
    }
    emotions = [shown.emotion for shown in expressions]
    valence, activation, dominance = zip(*(shown.attributes for shown in expressions), strict=True)
    return rows.assign(
        shown=emotions,
        meant=rows["line"].map(meant).fillna(pd.Series(emotions, rows.index)).astype(int),
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
    """Put the published number of bracketed sounds into the transcripts of each kind of turn."""
    rows = rows.copy()
    has_class = rows["emotion"].notna()
    count = sizes.scaled(figures.BRACKETED, share)
    for kind, where, n in (
        ("", has_class, count),
        ("between", ~has_class, round(count * (~has_class).sum() / has_class.sum())),
    ):
        alone = ~rows["transcript"].duplicated(keep=False) & (rows["n_words"] > 1)
        marked = sentences.with_sounds(seed, key + kind, rows[where], alone[where], n)
        rows.loc[where, "transcript"] = marked
    return rows


def acts(rows: pd.DataFrame, key: str) -> Iterator[tuple[str, str, Act]]:
    """Id, speaker and act of each row; `key` names a draw's streams."""
    seconds = rows["end_s"] - rows["start_s"]
    for utterance_id, speaker, *facts in zip(
        rows["utterance_id"], rows["speaker"], rows["shown"], rows["intensity"], rows["n_words"],
        seconds, rows["wears_markers"], rows["nan_share"], strict=True,
    ):  # fmt: skip
        yield utterance_id, speaker, Act(key + utterance_id, *facts)
