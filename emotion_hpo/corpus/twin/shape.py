"""The twin's shape: who takes how many turns of which label where, and for how long.

Counts by session, label, scenario and gender are IEMOCAP's exactly (or their share, for a smaller
twin); which turn is which follows from the seed.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import (
    dialogue_figures,
    figures,
    lengths,
    markers,
    moods,
    quotas,
    sizes,
    timing,
)
from emotion_hpo.corpus.twin.dialogue_figures import LABELS
from emotion_hpo.corpus.twin.figures import CLASSES
from emotion_hpo.corpus.twin.randomness import stream


def plan(seed: int, scale: float) -> pd.DataFrame:
    """All sessions' turns: ids, speakers, labels, times, word counts and lost markers.

    Columns: those of the utterance table that concern structure, and `label` (number of one of
    `LABELS`), `said` (the label that the words follow: a line of a play has its own), `line` (of a
    play, -1 where improvised), `line_words` (as written), `mood` (the class that the speaker is
    nearest to), `n_words` and `nan_share` (share of motion frames with a lost
    marker; NaN where there is no motion file). Sorted by id.
    """
    rows = _turns(seed, scale)
    rows["label"], rows["said"] = _labels(seed, scale, rows)
    rows["mood"] = _moods(rows)
    rows["emotion"] = [LABELS[label] if label < len(CLASSES) else None for label in rows["label"]]
    rows["wears_markers"] = rows["dialogue"].str[5] == rows["gender"]
    rows["nan_share"] = markers.lost_shares(seed, rows)
    seconds, rows["n_words"] = lengths.drawn(stream(seed, "lengths"), rows)
    rows["start_s"], rows["end_s"] = timing.timed(rows, seconds, stream(seed, "timing"))
    # A line is as long as it mostly is.
    median = rows["n_words"].groupby(rows["line"]).median().astype(int)
    rows["line_words"] = rows["line"].map(median)
    columns = ["gender", "early", "pinned", "still", "actress_leads"]
    return rows.drop(columns=columns).sort_values("utterance_id", ignore_index=True)


def _turns(seed: int, scale: float) -> pd.DataFrame:
    """Turns without labels, in the order of session, dialogue and time."""
    counts = sizes.turn_counts(seed, scale)
    pieces = _lines(seed, counts)
    parts = []
    for dialogue, n_turns in counts.items():
        rng = stream(seed, "turns", dialogue)
        scene = dialogue.split("_", 1)[1]
        if scene.startswith("impro"):
            female, line = _speakers(n_turns, rng), np.full(n_turns, -1)
        else:
            of_piece = pieces[scene]
            # A passage is left out where a performance is shorter.
            n_out = len(of_piece) - n_turns
            begin = int(rng.integers(n_turns + 1))
            chosen = np.r_[:begin, begin + n_out : len(of_piece)]
            female, line = of_piece["female"].to_numpy()[chosen], of_piece.index.to_numpy()[chosen]
        rows = pd.DataFrame({
            "session": dialogue[4],
            "dialogue": dialogue,
            "scenario": "scripted" if scene.startswith("script") else "improvised",
            "gender": np.where(female, "F", "M"),
            "line": line,
            "actress_leads": dialogue[5] == "F" or scene.startswith("script"),
        })  # fmt: skip
        rows["turn"] = np.arange(n_turns)
        rows["number"] = rows.groupby("gender").cumcount()
        parts.append(rows)
    rows = pd.concat(parts, ignore_index=True)
    rows["speaker"] = "Ses0" + rows["session"] + rows["gender"]
    number = rows.pop("number").astype(str).str.zfill(3)
    rows["utterance_id"] = rows["dialogue"] + "_" + rows["gender"] + number
    is_four = (rows["session"] == "4") & (scale == 1)
    rows["early"] = is_four & (rows["utterance_id"] < figures.VALIDATION_STARTS)
    # So that this very turn has a class.
    rows["pinned"] = is_four & (rows["utterance_id"] == figures.VALIDATION_STARTS)
    rows["still"] = _still(rows, scale)
    return rows


def _still(rows: pd.DataFrame, scale: float) -> "pd.Series[bool]":
    """Whether a turn has no motion file: a whole dialogue's, and the last ones of a scene."""
    last = rows[rows["session"] == "5"]
    scene = last["dialogue"] == figures.STILL_SCENE
    if not scene.any():
        scene = last["dialogue"] == last["dialogue"].iloc[0]
    whole = rows["dialogue"] == figures.STILL_DIALOGUE
    n_last = figures.STILL_TURNS
    if not whole.any():
        n_last = round(scale * (n_last + dialogue_figures.PIECES["script01_1b"]))
    return whole | rows.index.isin(last.index[scene][max(0, int(scene.sum()) - n_last) :])


def _lines(seed: int, counts: dict[str, int]) -> dict[str, pd.DataFrame]:
    """Piece → its lines, numbered through: whose each is; the longest performance has them all."""
    n_lines: dict[str, int] = {}
    for dialogue, n_turns in counts.items():
        scene = dialogue.split("_", 1)[1]
        if scene.startswith("script"):
            n_lines[scene] = max(n_turns, n_lines.get(scene, 0))
    pieces, n_before = {}, 0
    for piece, n in sorted(n_lines.items()):
        female = _speakers(n, stream(seed, "lines", piece))
        pieces[piece] = pd.DataFrame({"female": female}, index=np.arange(n_before, n_before + n))
        n_before += n
    return pieces


def _speakers(n_turns: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each turn is hers: mostly the other's than before."""
    switches = rng.random(n_turns) >= dialogue_figures.SAME_SPEAKER
    switches[1:2] = True  # both speak
    return np.asarray(np.cumsum(switches) % 2 == 0)


def _labels(
    seed: int, scale: float, rows: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Label of each turn, and the label that its words follow."""
    rng = stream(seed, "labels")
    line = rows["line"].to_numpy()
    scripted = line >= 0
    kind = quotas.kinds(rows)
    labels = np.concatenate([
        quotas.random_labels(
            of_session, kind[of_session.index], sizes.label_counts(str(session), scale), rng
        )
        for session, of_session in rows.groupby("session")
    ])  # fmt: skip
    dialogue = rows["dialogue"].factorize()[0]
    female = (rows["gender"] == "F").to_numpy()
    leaning = _leaning(rows, dialogue, female, rng)
    # The plays' own lines first: one performance of them all, whose labels all others lean to.
    own = _line_labels(rows[scripted], labels[scripted], leaning[scripted], rng)
    leaning[scripted, own[line[scripted]]] += moods.RUNNING.line
    near = moods.neighbours(dialogue, female)
    session = rows["session"].factorize()[0]
    early = rows["early"].to_numpy()
    settled = moods.settle(labels, leaning, near, session, kind, early, rng)
    return settled, np.where(scripted, own[line], settled)


def _leaning(
    rows: pd.DataFrame,
    dialogue: NDArray[np.int64],
    female: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """`(turns, labels)`: what each turn leans to by its scene and its performance."""
    first = rows.drop_duplicates("dialogue")
    is_play = (first["scenario"] == "scripted").to_numpy()
    scatter = np.array(moods.RUNNING.performance)[is_play.astype(int)]
    own = scatter[:, None, None] * rng.normal(size=(len(first), 2, len(LABELS)))
    scene = [
        moods.leanings(name.split("_", 1)[1], leads)
        for name, leads in zip(first["dialogue"], first["actress_leads"], strict=True)
    ]
    return np.asarray((own + np.stack(scene))[dialogue, np.where(female, 0, 1)])


def _line_labels(
    rows: pd.DataFrame,
    labels: NDArray[np.int64],
    leaning: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Label of each line of the plays, running on as in one performance of all."""
    first = ~rows["line"].duplicated().to_numpy()
    order = np.argsort(rows["line"].to_numpy()[first], kind="stable")
    lines = rows[first].iloc[order]
    near = moods.neighbours(
        lines["dialogue"].str.split("_", n=1).str[1].factorize()[0],
        (lines["gender"] == "F").to_numpy(),
    )
    n = len(lines)
    dealt_out = rng.permutation(labels)[:n]
    nothing = np.zeros(n, dtype=np.int64)
    return moods.settle(
        dealt_out, leaning[first][order], near, nothing, nothing, nothing.astype(bool), rng
    )


def _moods(rows: pd.DataFrame) -> "pd.Series[int]":
    """The class that a turn's speaker had last in the dialogue or play, else has next."""
    piece = rows["dialogue"].str.split("_", n=1).str[1].where(rows["line"] >= 0, rows["dialogue"])
    place = rows["line"].where(rows["line"] >= 0, rows["turn"])
    turns = rows.assign(piece=piece, place=place).sort_values(["piece", "place"], kind="stable")
    classes = turns["said"].where(turns["said"] < len(CLASSES))
    by_speaker = [turns["piece"], turns["gender"]]
    last = classes.groupby(by_speaker).ffill()
    mood = last.fillna(classes.groupby(by_speaker).bfill()).fillna(CLASSES.index("neu"))
    return mood.astype(int).reindex(rows.index)
