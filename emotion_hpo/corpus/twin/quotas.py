"""How many turns of which kind have a class: the published margins, met before moods are settled.

A kind is a session, a scenario and a gender, and, where IEMOCAP's details ask for it, the part
before the paper's validation rows, their first row, and what has no motion.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import figures
from emotion_hpo.corpus.twin.counts import dealt
from emotion_hpo.corpus.twin.figures import CLASSES, SESSIONS


def kinds(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Number of each turn's kind."""
    columns = ["session", "scenario", "gender", "early", "pinned"]
    if _has_still_dialogue(rows):
        columns.append("still")
    return np.asarray(rows.groupby(columns).ngroup())


def _has_still_dialogue(rows: pd.DataFrame) -> bool:
    """Whether a whole dialogue is without motion, as in twins of about full size."""
    return bool((rows["dialogue"] == figures.STILL_DIALOGUE).any())


def random_labels(
    rows: pd.DataFrame, kind: NDArray[np.int64], counts: list[int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Deal out a session's labels at random, as many turns of each kind having a class as publish.

    Args:
        rows: The session's turns.
        kind: Of each.
        counts: Turns of each label; the classes come first.
        rng: Decides.
    """
    n_classes = sum(counts[: len(CLASSES)])
    has_class = np.zeros(len(rows), dtype=bool)
    for number, n in _class_counts(rows, kind, n_classes).items():
        has_class[rng.permutation(np.flatnonzero(kind == number))[:n]] = True
    labels = np.empty(len(rows), dtype=np.int64)
    early = rows["early"].to_numpy()
    before = np.array(figures.BEFORE_VALIDATION) * int(early.any())
    parts = (
        (has_class & early, before),
        (has_class & ~early, np.array(counts[: len(CLASSES)]) - before),
    )
    for where, n_each in parts:
        labels[where] = rng.permutation(np.repeat(np.arange(len(CLASSES)), n_each))
    others = np.repeat(np.arange(len(CLASSES), len(counts)), counts[len(CLASSES) :])
    labels[~has_class] = rng.permutation(others)
    return labels


def _class_counts(rows: pd.DataFrame, kind: NDArray[np.int64], n_classes: int) -> dict[int, int]:
    """Kind → turns that have a class."""
    session = SESSIONS[rows["session"].iloc[0]]
    n_improvised = round(n_classes * session.improvised / session.total)
    n_hers = round(n_classes * session.female / session.total)
    hers = round(n_improvised * session.female / session.total)
    targets = {
        ("improvised", "F"): hers,
        ("improvised", "M"): n_improvised - hers,
        ("scripted", "F"): n_hers - hers,
        ("scripted", "M"): n_classes - n_improvised - n_hers + hers,
    }
    cell = list(zip(rows["scenario"], rows["gender"], strict=True))
    most = np.array([sum(place == name for place in cell) for name in targets])
    left = dict(
        zip(targets, dealt(n_classes, np.array(list(targets.values()), float), most), strict=True)
    )
    counts: dict[int, int] = {}
    first = rows.assign(kind=kind).drop_duplicates("kind")
    size = np.bincount(kind)
    is_whole = _has_still_dialogue(rows)
    is_play = first["scenario"] == "scripted"
    n_still = session.no_motion - figures.STILL_CLASSES
    special = (
        (first["pinned"], 1),
        (first["early"], sum(figures.BEFORE_VALIDATION)),
        (first["still"] & ~is_play & is_whole, figures.STILL_CLASSES),
        (first["still"] & is_play & is_whole, n_still),
    )
    for of_kind, n in special:
        numbers = first.loc[of_kind, "kind"].to_numpy()
        if len(numbers):
            shared = dealt(n, size[numbers].astype(float), size[numbers])
            counts |= dict(zip(numbers.tolist(), shared.tolist(), strict=True))
    for number, scenario, gender in zip(
        first["kind"], first["scenario"], first["gender"], strict=True
    ):
        if number in counts:
            left[scenario, gender] -= counts[number]
    for number, scenario, gender in zip(
        first["kind"], first["scenario"], first["gender"], strict=True
    ):
        counts.setdefault(number, left[scenario, gender])
    return counts
