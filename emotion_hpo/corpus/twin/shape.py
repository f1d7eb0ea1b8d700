"""The twin's shape: who says how many utterances of which emotion where, and for how long.

Counts by session, emotion, scenario and gender are IEMOCAP's exactly (or their share, for a smaller
twin); which utterance is which follows from the seed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import figures, lengths
from emotion_hpo.corpus.twin.figures import CLASSES, SESSIONS, SessionFigures
from emotion_hpo.corpus.twin.randomness import stream

#: How improvised each emotion is, in the order of `CLASSES`, against a scatter of 1.
_IMPROVISED = np.array([-0.25, 0.0, 0.1, 0.1])
#: How much an emotion prefers the scenes written for it, as a logarithm.
_SCENE_PREFERENCE = 1.6
#: Turns between two that have one of the four classes: about half of IEMOCAP's have another label.
_OTHER_TURNS = 1.0


@dataclass(frozen=True)
class _Draft:
    """One session's utterances before they have names; arrays of one row each."""

    emotion: NDArray[np.int64]
    improvised: NDArray[np.bool_]
    female: NDArray[np.bool_]
    early: NDArray[np.bool_]
    dialogue: NDArray[np.int64]
    names: tuple[str, ...]


def plan(seed: int, scale: float) -> pd.DataFrame:
    """All sessions' utterances: ids, speakers, emotions, times, word counts and lost markers.

    Columns: those of the utterance table that concern structure, and `n_words` and `nan_share`
    (share of motion frames with a lost marker; NaN where there is no motion file).
    """
    sessions = [_session(seed, scale, session) for session in SESSIONS]
    table = pd.concat(sessions).sort_values("utterance_id", ignore_index=True)
    rng = stream(seed, "lengths")
    emotion = table["emotion"].map(CLASSES.index).to_numpy(dtype=np.int64)
    seconds = lengths.durations(emotion, rng)
    table["n_words"] = lengths.word_counts(seconds, emotion, rng)
    return _timed(table, seconds, rng)


def scaled(count: int, scale: float) -> int:
    """That share of a count, at least one of it."""
    return max(1, round(count * scale)) if count else 0


def _session(seed: int, scale: float, session: str) -> pd.DataFrame:
    """One session without times."""
    rng = stream(seed, "shape", session)
    draft = _drawn(SESSIONS[session], session, scale, rng)
    order = rng.random(len(draft.emotion)) + draft.improvised * 0.3 * (draft.emotion != 2)
    order += ~draft.early  # what precedes the validation rows also precedes them in its dialogue
    rows = pd.DataFrame({
        "session": session,
        "dialogue": np.array(draft.names)[draft.dialogue],
        "gender": np.where(draft.female, "F", "M"),
        "emotion": np.array(CLASSES)[draft.emotion],
        "scenario": np.where(draft.improvised, "improvised", "scripted"),
        "early": draft.early,
        "order": order,
    })  # fmt: skip
    rows = rows.sort_values(["dialogue", "order"], ignore_index=True)
    rows["number"] = rng.geometric(1 / (1 + _OTHER_TURNS), size=len(rows))
    by_actor = rows.groupby(["dialogue", "gender"])
    rows["number"] = by_actor["number"].cumsum() - 1
    if scale == 1:
        _fix_validation_start(rows)
    rows["utterance_id"] = [
        f"{dialogue}_{gender}{number:03d}"
        for dialogue, gender, number in zip(
            rows["dialogue"], rows["gender"], rows["number"], strict=True
        )
    ]
    rows["speaker"] = f"Ses0{session}" + rows["gender"]
    rows["wears_markers"] = rows["dialogue"].str[5] == rows["gender"]
    rows["nan_share"] = _nan_shares(rows["dialogue"], SESSIONS[session], rng)
    return rows.drop(columns=["gender", "number", "early"])


def _drawn(session: SessionFigures, name: str, scale: float, rng: np.random.Generator) -> _Draft:
    """Draw emotions, scenarios, genders and dialogues with the session's exact margins."""
    counts = [scaled(count, scale) for count in session.counts]
    n = sum(counts)
    emotion = np.repeat(np.arange(4), counts)
    improvised = _top(
        _IMPROVISED[emotion] + rng.normal(size=n), round(n * session.improvised / session.total)
    )
    early = np.zeros(n, dtype=bool)
    if scale == 1 and name == "4":
        for label, count in enumerate(figures.BEFORE_VALIDATION):
            eligible = np.flatnonzero(improvised & (emotion == label))
            early[rng.choice(eligible, count, replace=False)] = True
    female = _top(rng.random(n), round(n * session.female / session.total))
    names = _dialogues(session, name, scale)
    scores = rng.gumbel(size=(n, len(names)))
    for column, dialogue in enumerate(names):
        scene = dialogue.split("_", 1)[1]
        scores[:, column] += _SCENE_PREFERENCE * (emotion == _scene_emotion(scene))
        scores[improvised != scene.startswith("impro"), column] = -np.inf
        scores[:, column] -= 1.0 * scene.endswith("b")  # a second take is short
    if early.any():
        position = np.array([_validation_side(dialogue) for dialogue in names])
        scores[np.ix_(early, position > 0)] = -np.inf
        scores[np.ix_(~early, position < 0)] = -np.inf
        # In the dialogue where they begin, all of the actress's turns precede them, and few enough
        # of the actor's to be numbered below the first of them.
        scores[np.ix_(~early & female, position == 0)] = -np.inf
        scores[np.ix_(early & ~female, position == 0)] -= 2.0
    return _Draft(emotion, improvised, female, early, scores.argmax(axis=1), names)


def _dialogues(session: SessionFigures, name: str, scale: float) -> tuple[str, ...]:
    """The session's dialogues; fewer, of both kinds and both actors, for a smaller twin."""
    names = []
    for wearer, scenes in session.dialogues.items():
        for kind in ("impro", "script"):
            of_kind = [scene for scene in scenes if scene.startswith(kind)]
            chosen = of_kind[: max(1, round(len(of_kind) * np.sqrt(scale)))]
            names += [f"Ses0{name}{wearer}_{scene}" for scene in chosen]
    return tuple(names)


def _scene_emotion(scene: str) -> int:
    """The emotion that a scene was written for, going round the classes."""
    digits = [int(character) for character in scene if character.isdigit()]
    return sum(digits) % 4


def _validation_side(dialogue: str) -> int:
    """-1, 0, 1: before, in or after the dialogue in which the paper's validation rows begin."""
    start = figures.VALIDATION_STARTS.rsplit("_", 1)[0]
    return (dialogue > start) - (dialogue < start)


def _fix_validation_start(rows: pd.DataFrame) -> None:
    """Number the turns around the paper's first validation row so that it has its id."""
    dialogue, turn = figures.VALIDATION_STARTS.rsplit("_", 1)
    actor = rows.index[(rows["dialogue"] == dialogue) & (rows["gender"] == turn[0])]
    if not len(actor):
        return
    n_early = int(rows.loc[actor, "early"].sum())
    first = int(turn[1:])
    numbers = rows.loc[actor, "number"].to_numpy().copy()
    numbers[:n_early] = np.linspace(0, first - 1, n_early).astype(int)
    numbers[n_early:] += first - numbers[n_early]
    rows.loc[actor, "number"] = numbers


def _top(scores: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """Mark the `count` highest, at least one and not all."""
    chosen = np.zeros(len(scores), dtype=bool)
    chosen[np.argsort(-scores)[: min(max(count, 1), len(scores) - 1)]] = True
    return chosen


def _nan_shares(
    dialogue: "pd.Series[str]", session: SessionFigures, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Share of frames with a lost marker: always, never, and in between with the session's mean."""
    n = len(dialogue)
    ratio = n / session.total
    shares = np.full(n, np.nan)
    rank = dialogue.map({name: i for i, name in enumerate(figures.WITHOUT_MOTION)}).fillna(9)
    n_missing = round(session.no_motion * ratio)
    rows = np.argsort(rank.to_numpy(), kind="stable")[n_missing:]
    # Markers come off in a dialogue and stay off: its utterances are alike.
    loose = dict.fromkeys(dialogue)
    mood = {name: rng.normal() for name in loose}
    rows = rows[np.argsort([mood[dialogue.iloc[row]] + rng.normal() for row in rows])]
    n_always = round(session.nan_always * ratio)
    n_never = round(session.nan_never * ratio)
    between = rows[n_never : len(rows) - n_always]
    shares[rows[:n_never]] = 0.0
    shares[rows[len(rows) - n_always :]] = 1.0
    if len(between):
        mean = (session.nan_share * len(rows) - n_always) / len(between)
        mean = float(np.clip(mean, 0.05, 0.95))
        drawn = np.sort(rng.beta(2 * mean, 2 * (1 - mean), size=len(between)))
        shares[between] = np.clip(drawn * mean / drawn.mean(), 0.01, 0.99)
    return shares


def _timed(
    table: pd.DataFrame, seconds: NDArray[np.float64], rng: np.random.Generator
) -> pd.DataFrame:
    """Set the utterances of each dialogue one after the other, with other turns between them."""
    table["seconds"] = np.round(seconds, 4)
    table["pause"] = np.round(rng.gamma(1.5, 2.0, size=len(table)), 4)
    table = table.sort_values(["dialogue", "order"])
    passed = (table["pause"] + table["seconds"]).groupby(table["dialogue"]).cumsum()
    table["end_s"] = passed.round(4)
    table["start_s"] = (passed - table["seconds"]).round(4)
    return table.drop(columns=["order", "pause", "seconds"]).sort_values(
        "utterance_id", ignore_index=True
    )
