"""What is published of IEMOCAP's shape: the figures that the twin copies.

Counts cover the four classes of Tripathi et al. 2018 (arXiv 1804.05788) and were read off the
corpus's release; the recordings themselves are licensed and nothing of them is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CLASSES = ("ang", "exc", "neu", "sad")


@dataclass(frozen=True)
class SessionFigures:
    """One session of two actors, one female and one male.

    Attributes:
        counts: Utterances by emotion, in the order of `CLASSES`.
        improvised: Utterances in improvised dialogues; the others are scripted.
        female: Utterances of the actress.
        dialogues: Names without the session's prefix, by whose markers are recorded.
        nan_share: Mean share of motion frames in which a marker is lost.
        nan_always: Utterances with a lost marker in every frame.
        nan_never: Utterances without a lost marker.
        no_motion: Utterances without a motion file.
    """

    counts: tuple[int, int, int, int]
    improvised: int
    female: int
    dialogues: Mapping[str, tuple[str, ...]]
    nan_share: float
    nan_always: int
    nan_never: int
    no_motion: int = 0

    @property
    def total(self) -> int:
        """All utterances."""
        return sum(self.counts)


_PLAYS = (
    "script01_1", "script01_2", "script01_3", "script02_1", "script02_2",
    "script03_1", "script03_2",
)  # fmt: skip


def _improvised(*numbers: str) -> tuple[str, ...]:
    return tuple(f"impro{number}" for number in numbers)


_SEVEN = _improvised("01", "02", "03", "04", "05", "06", "07") + _PLAYS
_EIGHT = _improvised("01", "02", "03", "04", "05", "06", "07", "08") + _PLAYS
_TEN = _improvised("01", "02", "03", "04", "05a", "05b", "06", "07", "08a", "08b") + _PLAYS

#: 4,936 utterances; 151 dialogues (counted over all of IEMOCAP's labels).
SESSIONS: Mapping[str, SessionFigures] = {
    "1": SessionFigures((229, 143, 384, 194), 488, 459, {"F": _SEVEN, "M": _SEVEN}, 0.204, 54, 520),
    "2": SessionFigures((137, 210, 362, 197), 476, 411, {"F": _EIGHT, "M": _EIGHT}, 0.018, 1, 799),
    "3": SessionFigures((240, 151, 320, 305), 567, 442, {"F": _EIGHT, "M": _TEN}, 0.027, 2, 856),
    "4": SessionFigures((327, 238, 258, 143), 503, 497, {"F": _EIGHT, "M": _EIGHT}, 0.280, 99, 384),
    "5": SessionFigures(
        (170, 299, 384, 245),
        625,
        513,
        {"F": _EIGHT, "M": (*_EIGHT, "script01_1b")},
        0.618,
        235,
        154,
        no_motion=24,
    ),
}

#: The paper's validation rows are 3000…3837 of the id-sorted list: Session 4 from here on.
VALIDATION_STARTS = "Ses04F_impro04_M018"
#: So these precede them in Session 4: its counts less ang 290, exc 196, neu 227, sad 125.
BEFORE_VALIDATION = (37, 42, 31, 18)

#: Turns without a motion file: all of this dialogue, and the last nine of that.
STILL_DIALOGUE = "Ses05M_script01_1b"
STILL_SCENE, STILL_TURNS = "Ses05F_impro03", 9
#: And so many of the latter have a class; with those of the former they are `no_motion`.
STILL_CLASSES = 4

#: Seconds at cumulative shares of the utterances. 5, 50, 95 and 100 % are IEMOCAP's; the others
#: were set so that the mean is 4.57 s.
DURATION_S: Mapping[float, float] = {
    0.0: 0.58, 0.05: 1.38, 0.25: 2.32, 0.5: 3.58, 0.75: 5.72, 0.95: 11.2, 0.995: 19.5, 1.0: 34.1,
}  # fmt: skip
#: Mean seconds by emotion, in the order of `CLASSES`.
MEAN_DURATION_S = (4.51, 4.78, 3.90, 5.50)

#: Words, likewise: 50 (between 8 and 9), 95 and 100 % are IEMOCAP's, the others give 11.65 in mean.
WORDS: Mapping[float, float] = {
    0.0: 1.0, 0.05: 1.6, 0.25: 4.8, 0.5: 9.0, 0.75: 15.8, 0.95: 33.5, 0.995: 62.0, 1.0: 98.5,
}  # fmt: skip

#: Transcripts with a bracketed sound such as `[LAUGHTER]`.
BRACKETED = 120
#: Share of Session 5's transcripts that occur word for word in Sessions 1–4: the plays repeat.
REPEATED = 0.158
