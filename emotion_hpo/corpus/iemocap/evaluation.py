"""`dialog/EmoEvaluation/*.txt`: when each turn was, and what everybody heard in it.

A turn's line gives times, id, the majority's label and mean attributes; below it stand a line for
each person's labels (`C-`) and one for each person's attributes (`A-`). Persons are evaluators
(`E2`) or the actor (`F1`, `M1`), who judged themselves.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emotion_hpo.corpus.faults import Fault, format_place
from emotion_hpo.corpus.iemocap.naming import parse_id
from emotion_hpo.errors import CorpusError

#: Every label of the release; `xxx` where no label has a majority.
LABELS = ("ang", "dis", "exc", "fea", "fru", "hap", "neu", "oth", "sad", "sur", "xxx")
#: Words of the `C-` lines → label.
WORDS: Mapping[str, str] = {
    "anger": "ang", "disgust": "dis", "excited": "exc", "fear": "fea", "frustration": "fru",
    "happiness": "hap", "neutral": "neu", "neutral state": "neu", "other": "oth", "sadness": "sad",
    "surprise": "sur",
}  # fmt: skip
#: What a user might write → label.
MEANINGS: Mapping[str, str] = {**WORDS, **{label: label for label in LABELS}}

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,20})?)"
_TURN = re.compile(
    rf"\[\s*{_NUMBER}\s*-\s*{_NUMBER}\s*\]\s+(\S+)\s+(\S+)"
    rf"\s+\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\]\s*"
)
_LABELLED = re.compile(r"C-([A-Z]+[0-9]+):\s*([^()]*?)\s*(?:\(.*)?")
_RATED = re.compile(
    r"A-([A-Z]+[0-9]+):\s*val\s*([0-9.]*)\s*;\s*act\s*([0-9.]*)\s*;\s*dom\s*([0-9.]*)\s*;?\s*(?:\(.*)?"
)

Attributes = tuple[float, float, float]


@dataclass(frozen=True)
class Turn:
    """A labelled turn.

    Attributes:
        utterance_id: As the release names it.
        label: The majority's, one of `LABELS`.
        start_s: From the dialogue's start.
        end_s: From the dialogue's start.
        attributes: Mean valence, activation, dominance.
        line: Where it stands.
        labels: Person → their labels, one or several.
        ratings: Person → their valence, activation, dominance; NaN where one was left out.
    """

    utterance_id: str
    label: str
    start_s: float
    end_s: float
    attributes: Attributes
    line: int
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ratings: dict[str, Attributes] = field(default_factory=dict)

    def votes(self) -> dict[str, int]:
        """How many evaluators gave each label; what actors said of themselves does not count."""
        counts: dict[str, int] = {}
        for person, labels in self.labels.items():
            for label in labels if person.startswith("E") else ():
                counts[label] = counts.get(label, 0) + 1
        return counts


def read_turns(
    lines: Iterable[tuple[int, str]], path: Path, dialogue: str, faults: list[Fault]
) -> list[Turn]:
    """Read the turns of a dialogue.

    Args:
        lines: Numbered lines of the file.
        path: Named in faults.
        dialogue: That every id must belong to.
        faults: Gets what is wrong: malformed lines, unknown labels, turns without length, whose
            turns (or votes) are left out.

    Raises:
        CorpusError: An id occurs twice.
    """
    turns_by_id: dict[str, Turn] = {}
    turn: Turn | None = None
    skipping = False  # the block of a turn that was left out
    for number, line in lines:
        place = format_place(path, number)
        if not line.strip() or line.startswith("%"):
            continue
        if line.startswith(("C-", "A-")):
            if turn is not None:
                _judge(turn, line, place, faults)
            elif not skipping:
                faults.append(Fault("malformed line, left out", place))
            continue
        turn, fault = _turn(line, number, dialogue)
        skipping = fault is not None
        if fault is not None:
            faults.append(Fault(fault, place))
        if turn is None:
            continue
        if turn.utterance_id in turns_by_id:
            first = format_place(path, turns_by_id[turn.utterance_id].line)
            raise CorpusError(f"{place}: {turn.utterance_id} stands in {first} already")
        turns_by_id[turn.utterance_id] = turn
    return list(turns_by_id.values())


def _turn(line: str, number: int, dialogue: str) -> tuple[Turn | None, str | None]:
    """The turn of a line, or what is wrong with it."""
    match = _TURN.fullmatch(line)
    name = match and parse_id(match[3])
    if not match or not name or name.dialogue != dialogue:
        return None, "malformed line, left out"
    start_s, end_s, *attributes = (float(match[i]) for i in (1, 2, 5, 6, 7))
    if match[4] not in LABELS:
        return None, f"unknown label {match[4][:20]!r}, left out"
    if end_s <= start_s:
        return None, "turn without length, left out"
    valence, activation, dominance = attributes
    return Turn(match[3], match[4], start_s, end_s, (valence, activation, dominance), number), None


def _judge(turn: Turn, line: str, place: str, faults: list[Fault]) -> None:
    """Add what a person said of a turn."""
    if match := _LABELLED.fullmatch(line):
        words = [word.strip() for word in match[2].split(";") if word.strip()]
        unknown = [word for word in words if word.lower() not in WORDS]
        faults += [Fault(f"unknown vote {word[:20]!r}, left out", place) for word in unknown]
        known = tuple(WORDS[word.lower()] for word in words if word not in unknown)
        turn.labels[match[1]] = known
    elif match := _RATED.fullmatch(line):
        turn.ratings[match[1]] = (_rating(match[2]), _rating(match[3]), _rating(match[4]))
    else:
        faults.append(Fault("malformed line, left out", place))


def _rating(digits: str) -> float:
    try:
        return float(digits)
    except ValueError:
        return math.nan
