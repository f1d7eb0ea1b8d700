"""Who is in which mood where: the labels of all turns, running on as IEMOCAP's do.

Every scene and every piece of a play has a mood for each of its two roles, the same in all
sessions, from which each performance departs a little; within a dialogue, labels attract each other
as the published tables say, from a speaker's turn to the same speaker's next and to the other's.
All labels of a session are dealt out at random first, in its exact counts, and then exchanged
between turns (Metropolis et al. 1953) until they are likely under that model: so the counts stay.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.dialogue_figures import (
    AFTER_OTHER,
    AFTER_SAME,
    LABELS,
    attraction,
)
from emotion_hpo.corpus.twin.figures import CLASSES

#: Labels that the two roles of a scene or piece lean to; `impro05a` is a variant of `impro05`.
SCENES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "impro01": (("fru", "ang"), ("neu",)),
    "impro02": (("sad",), ("sad", "neu")),
    "impro03": (("hap", "exc"), ("hap", "exc")),
    "impro04": (("fru", "neu"), ("neu",)),
    "impro05": (("ang", "fru"), ("neu", "fru")),
    "impro06": (("sad",), ("neu", "sad")),
    "impro07": (("exc", "hap"), ("exc",)),
    "impro08": (("fru", "ang"), ("neu",)),
    "script01_1": (("fru", "sad"), ("neu", "fru")),
    "script01_2": (("ang", "fru"), ("fru", "neu")),
    "script01_3": (("exc", "hap"), ("neu", "exc")),
    "script02_1": (("neu", "hap"), ("neu", "sad")),
    "script02_2": (("sad",), ("sad", "fru")),
    "script03_1": (("hap", "exc"), ("hap", "exc")),
    "script03_2": (("ang", "fru"), ("ang",)),
}


#: How much a role leans to the second of its labels, against the first.
_SECOND = 0.75


@dataclass(frozen=True)
class Running:
    """The knobs of how labels run, set so that the published tables come out.

    Attributes:
        same: Weight of the same speaker's neighbouring turns.
        other: Weight of the other speaker's.
        scene: How much a role leans to its scene's labels, as a logarithm: improvised, in a play.
        performance: Scatter of a performance's own leanings, likewise: what a scene is about
            settles its mood, a play's lines leave it to the actors.
        line: How much a line of a play leans to its own label.
        sweeps: Exchanges tried, a turn.
    """

    same: float = 0.7
    other: float = 0.4
    scene: tuple[float, float] = (2.9, 2.3)
    performance: tuple[float, float] = (0.45, 1.0)
    line: float = 1.6
    sweeps: int = 100


RUNNING = Running()
#: Exchanges tried at a time; few enough that neighbours are rarely among them.
_AT_ONCE = 256


def leanings(scene: str, actress_leads: bool) -> NDArray[np.float64]:
    """`(2, labels)`: what her and his role lean to in a scene or piece."""
    moods = np.zeros((2, len(LABELS)))
    roles = SCENES[scene.rstrip("ab")]
    strength = RUNNING.scene[scene.startswith("script")]
    for row, role in enumerate(roles if actress_leads else roles[::-1]):
        for label, share in zip(role, (1.0, _SECOND), strict=False):
            moods[row, LABELS.index(label)] = strength * share
    return moods


def neighbours(dialogue: NDArray[np.int64], female: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows `(4, n)`: previous and next turn of the same speaker, and of the other if adjacent.

    Args:
        dialogue: Number of each turn's dialogue; turns stand in the order of time.
        female: Whose turn it is.

    Returns:
        `n` where there is none.
    """
    n = len(dialogue)
    near = np.full((4, n), n, dtype=np.int64)
    order = np.lexsort([np.arange(n), female, dialogue])
    follows = (np.diff(dialogue[order]) == 0) & (np.diff(female[order].astype(int)) == 0)
    near[0, order[1:][follows]] = order[:-1][follows]
    near[1, order[:-1][follows]] = order[1:][follows]
    changes = np.flatnonzero((np.diff(dialogue) == 0) & np.diff(female.astype(int)).astype(bool))
    near[2, changes + 1] = changes
    near[3, changes] = changes + 1
    return near


def settle(
    labels: NDArray[np.int64],
    leaning: NDArray[np.float64],
    near: NDArray[np.int64],
    session: NDArray[np.int64],
    kind: NDArray[np.int64],
    early: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Exchange labels between turns of a session until they run on as published.

    Args:
        labels: Of each turn, as numbers; sessions one after the other.
        leaning: `(n, labels)`, as logarithms.
        near: As `neighbours` returns.
        session: Number of each turn's session.
        kind: Turns of one kind keep the number of them that have a class.
        early: Turns whose numbers of each class stay what they are, and the others' so.
        rng: Decides.
    """
    n = len(labels)
    same, other = attraction(AFTER_SAME) * RUNNING.same, attraction(AFTER_OTHER) * RUNNING.other
    same, other = (np.pad(table, ((0, 1), (0, 1))) for table in (same, other))
    current = np.append(labels, len(LABELS))  # the last stands for "no neighbour"
    first = np.searchsorted(session, session)
    size = np.searchsorted(session, session, side="right") - first
    at_once = min(_AT_ONCE, 1 + n // 16)
    n_steps = n * RUNNING.sweeps // (2 * at_once)

    def energy(turn: NDArray[np.int64], label: NDArray[np.int64]) -> NDArray[np.float64]:
        before, after, heard, answer = current[near[:, turn]]
        return np.asarray(
            leaning[turn, label]
            + same[before, label]
            + same[label, after]
            + other[heard, label]
            + other[label, answer]
        )

    for step in range(n_steps):
        left = rng.integers(0, n, size=at_once)
        right = first[left] + (rng.random(at_once) * size[left]).astype(np.int64)
        a, b = current[left], current[right]
        is_class = a < len(CLASSES)
        exchangeable = (is_class == (b < len(CLASSES))) & (
            ~is_class | (early[left] == early[right])
        )
        exchangeable |= kind[left] == kind[right]
        exchangeable &= a != b
        uses = np.bincount(np.concatenate([left, right]), minlength=n)
        exchangeable &= (uses[left] == 1) & (uses[right] == 1)
        left, right, a, b = (
            left[exchangeable],
            right[exchangeable],
            a[exchangeable],
            b[exchangeable],
        )
        gain = energy(left, b) + energy(right, a) - energy(left, a) - energy(right, b)
        warmth = max(1.0, 3.0 * (1 - 2 * step / n_steps))  # from hot to 1 in the first third
        accepted = np.log(rng.random(len(gain))) * warmth < gain
        current[left[accepted]], current[right[accepted]] = b[accepted], a[accepted]
    return current[:-1]
