"""What is published of how IEMOCAP's dialogues run: the figures that the twin copies.

Counted over all turns of all eleven labels. A turn of one of the four classes is an utterance of
the corpus; the others are what was said between.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.figures import CLASSES

#: All labels: the four classes first, then those of the turns between. `xxx`: no majority.
LABELS = (*CLASSES, "fru", "hap", "sur", "fea", "dis", "oth", "xxx")

#: Turns of the labels that are no class, by session, in the order of `LABELS`.
BETWEEN: Mapping[str, tuple[int, ...]] = {
    "1": (280, 135, 25, 12, 1, 1, 415),
    "2": (325, 117, 17, 9, 0, 1, 436),
    "3": (382, 135, 28, 2, 1, 0, 572),
    "4": (481, 65, 19, 7, 0, 1, 564),
    "5": (381, 143, 18, 10, 0, 0, 520),
}
#: Turns of improvised and of scripted dialogues, by session.
IMPROVISED: Mapping[str, int] = {"1": 759, "2": 788, "3": 1044, "4": 1060, "5": 1133}
SCRIPTED: Mapping[str, int] = {"1": 1060, "2": 1023, "3": 1092, "4": 1043, "5": 1037}

#: Turns of each piece of the plays, in all its performances: two in every session, word for word
#: the same but for slips; `script01_1b` is a second take, once.
PIECES: Mapping[str, int] = {
    "script01_1": 900, "script01_2": 373, "script01_3": 733, "script02_1": 646,
    "script02_2": 925, "script03_1": 686, "script03_2": 911, "script01_1b": 81,
}  # fmt: skip
#: Turns of an improvised dialogue at cumulative shares of them: with the pieces' lengths, all
#: dialogues have the published extremes (24, 167) and quartiles (49, 67, 81).
SCENE_TURNS: Mapping[float, float] = {0.0: 24, 0.35: 49, 0.69: 67, 0.90: 81, 1.0: 167}
#: The longest dialogue.
LONGEST = "Ses04F_impro07"

#: Share of turns that follow another one of the same speaker.
SAME_SPEAKER = 0.168
#: Seconds from a turn's end to the next one's start at cumulative shares, before those who would
#: interrupt themselves wait: so set that then 5 % are below -2.4 s, half below -0.44, 71 % below 0
#: and 95 % below 1.3.
GAP_S: Mapping[float, float] = {
    0.0: -6.0, 0.05: -2.4, 0.25: -1.1, 0.5: -0.5, 0.74: 0.0, 0.95: 0.45, 0.99: 3.0, 1.0: 14.0,
}  # fmt: skip

#: Per cent of turns with a label (column) given the label of the same speaker's previous turn.
AFTER_SAME: Mapping[str, Mapping[str, float]] = {
    "ang": {"ang": 62, "fru": 16, "xxx": 18, "neu": 3},
    "exc": {"exc": 67, "xxx": 21, "hap": 7, "neu": 4},
    "neu": {"neu": 63, "xxx": 16, "fru": 12, "ang": 2, "exc": 3, "sad": 2, "hap": 2},
    "sad": {"sad": 75, "xxx": 14, "fru": 5, "neu": 4},
    "fru": {"fru": 60, "xxx": 16, "ang": 11, "neu": 10, "sad": 3},
    "hap": {"hap": 56, "xxx": 25, "exc": 9, "neu": 6, "sad": 3},
    "xxx": {"xxx": 48, "fru": 13, "neu": 10, "exc": 9, "ang": 8, "sad": 6, "hap": 6},
}
#: The same given the other speaker's previous turn.
AFTER_OTHER: Mapping[str, Mapping[str, float]] = {
    "ang": {"ang": 35, "fru": 28, "xxx": 18, "neu": 17},
    "exc": {"exc": 40, "xxx": 32, "neu": 12, "hap": 11},
    "neu": {"fru": 24, "xxx": 23, "neu": 22, "ang": 12, "sad": 8, "exc": 6, "hap": 4},
    "sad": {"sad": 54, "xxx": 20, "neu": 14, "fru": 7, "ang": 3},
    "fru": {"fru": 40, "neu": 23, "xxx": 17, "ang": 15, "sad": 4},
    "hap": {"hap": 39, "xxx": 29, "exc": 18, "neu": 13},
    "xxx": {"xxx": 38, "neu": 16, "fru": 13, "exc": 10, "ang": 9, "sad": 7, "hap": 7},
}

#: Of all turns, in the order of `LABELS`.
LABEL_COUNTS = np.array([1103, 1041, 1708, 1084, 1849, 595, 107, 40, 2, 3, 2507])


def attraction(table: Mapping[str, Mapping[str, float]]) -> NDArray[np.float64]:
    """How much likelier each label (column) is after each (row) than anywhere, as a logarithm.

    Of the rare labels no rows are published: they attract nothing. A cell that is not published
    shares what its row leaves.
    """
    share = LABEL_COUNTS / LABEL_COUNTS.sum()
    logs = np.zeros((len(LABELS), len(LABELS)))
    for name, row in table.items():
        cells = np.array([row.get(label, np.nan) for label in LABELS]) / 100
        rest = np.isnan(cells)
        left = max(1 - np.nansum(cells), 0.01)
        cells[rest] = left * share[rest] / share[rest].sum()
        logs[LABELS.index(name)] = np.log(cells / share)
    return logs
