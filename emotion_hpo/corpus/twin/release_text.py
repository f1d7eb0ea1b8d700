"""The twin's evaluations and transcripts as the release writes them, with the release's quirks.

Beside the turns of the four classes there are others (`xxx`, `fru`, `hap` …), ids without a label,
lines without a time, and evaluators who give two labels at once: whoever reads the release must
cope with them.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

#: Label → what evaluators write.
_WORDS = {
    "ang": "Anger", "exc": "Excited", "neu": "Neutral", "sad": "Sadness", "fru": "Frustration",
    "hap": "Happiness", "oth": "Other", "sur": "Surprise", "fea": "Fear", "dis": "Disgust",
}  # fmt: skip


class Turn(NamedTuple):
    """A turn as the release's text knows it."""

    utterance_id: str
    label: str
    start_s: float
    end_s: float
    attributes: tuple[float, float, float]
    votes: tuple[str, ...]
    words: str


def turns(rows: pd.DataFrame) -> list[Turn]:
    """A dialogue's turns in their order in time; `rows` have their `label`, too."""
    in_time: Iterator[Any] = rows.sort_values("turn").itertuples()
    return [
        Turn(
            row.utterance_id,
            row.label,
            row.start_s,
            row.end_s,
            (row.valence, row.activation, row.dominance),
            tuple(label for label, n in json.loads(row.votes).items() for _ in range(n)),
            row.transcript,
        )
        for row in in_time
    ]


def evaluation(dialogue: list[Turn]) -> Iterator[str]:
    """The lines of `EmoEvaluation/*.txt`."""
    yield "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
    yield ""
    for i, turn in enumerate(dialogue):
        mean = ", ".join(f"{value:.4f}" for value in turn.attributes)
        times = f"[{turn.start_s:.4f} - {turn.end_s:.4f}]"
        yield f"{times}\t{turn.utterance_id}\t{turn.label}\t[{mean}]"
        evaluators: list[tuple[str, ...]] = [(vote,) for vote in turn.votes]
        if i % 2 and len(set(turn.votes)) == 2:  # the first also gives the last's label
            evaluators = [(turn.votes[0], turn.votes[-1]), *evaluators[1:-1]]
        for number, labels in enumerate(evaluators, start=2):
            said = " ".join(f"{_WORDS[label]};" for label in labels)
            yield f"C-E{number}:\t{said}\t({'worried' if len(labels) > 1 else ''})"
        actor = turn.utterance_id.rsplit("_", 1)[1][0]
        yield f"C-{actor}1:\t{_WORDS.get(turn.label, 'Other')};\t()"
        for number, shift in ((3, -0.5), (4, 0.5)):  # whole points, whose mean may be a half
            v, a, d = (round(value + (shift if value % 1 else 0)) for value in turn.attributes)
            yield f"A-E{number}:\tval {v}; act {a}; dom  {d};\t()"
        yield f"A-{actor}1:\tval 3; act 3; dom  ;\t()"
        yield ""


def transcript(dialogue: list[Turn]) -> Iterator[str]:
    """The lines of `transcriptions/*.txt`."""
    name = dialogue[0].utterance_id.rsplit("_", 1)[0]
    for i, turn in enumerate(dialogue):
        yield f"{turn.utterance_id} [{turn.start_s:08.4f}-{turn.end_s:08.4f}]: {turn.words}"
        if i == 0:
            yield "F: [LAUGHTER]"
        if i == 1:
            yield "M:Words that nobody timed."
    yield f"{name}_FXX0 [{dialogue[-1].end_s:08.4f}-{dialogue[-1].end_s + 1:08.4f}]: Hello?"
