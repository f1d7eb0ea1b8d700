"""What the page says: an answer as bars, a dialogue as a timeline, an error as one line; HTML.

Of an utterance the page has what its fields hold, column by column as `Predictor.columns` names
them. An answer from some of them stands beside the one from all, so that one sees what each adds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict.predictor import Predictor
from emotion_hpo.predict.reading import read_features, read_motion, read_sound, read_text
from emotion_hpo.predict.utterance import FEATURES, Answer, Utterance

#: Column → the text or the file in its field.
Given = Mapping[str, str]

#: Column or modality → as a person calls it.
LABELS: Mapping[str, str] = {"text": "words", "speech": "recording", "mocap": "motion"}

#: Turns of a dialogue on the page, and minutes of their recordings, all of which it keeps.
MOST_TURNS, MOST_MINUTES = 200, 30

#: Of the classes in their order, again from the start where there are more; after Okabe and Ito.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#555555")


@dataclass(frozen=True)
class Standing:
    """What is known of a model before it is asked.

    Attributes:
        name: Of it.
        score: What it reaches on the sealed session, a sentence; or that nobody knows.
        limits: What its user must know beside that, a sentence each.
    """

    name: str
    score: str
    limits: tuple[str, ...]


def read_given(given: Given) -> Utterance:
    """Read what the fields hold.

    Raises:
        FeatureError: They hold nothing, or what cannot be one utterance.
    """
    given = {column: value for column, value in given.items() if value.strip()}
    if not given:
        raise FeatureError("there is nothing to answer: record or choose a file, or type words")
    utterance = Utterance()
    for column, value in given.items():
        name = Path(value).name
        if column == "text":
            utterance = replace(utterance, text=read_text(value, "the words"))
        elif column == "speech":
            samples, rate = read_sound(Path(value), name)
            utterance = replace(utterance, samples=samples, sample_rate_hz=rate)
        elif column == "mocap":
            utterance = replace(utterance, motion=read_motion(Path(value), name))
        else:
            features = {column.removeprefix(FEATURES): read_features(Path(value), name)}
            utterance = replace(utterance, features={**utterance.features, **features})
    return utterance


def answer_page(predictor: Predictor, given: Given, used: Sequence[str]) -> str:
    """Return the answer from the fields that are used, and what the others would add."""
    try:
        whole = _answer(predictor, read_given(given))
        shown = {column: value for column, value in given.items() if column in used}
        is_part = any(value.strip() for column, value in given.items() if column not in used)
        answer = _answer(predictor, read_given(shown)) if is_part else whole
    except FeatureError as error:
        return error_line(error)
    left_out = set(whole.modalities) - set(answer.modalities)
    return _bars(predictor.classes, answer, whole if left_out else None, sorted(left_out))


def add_turn(
    predictor: Predictor, turns: list[Utterance], given: Given, speaker: str
) -> tuple[list[Utterance], str]:
    """Return a dialogue with another turn, and its timeline; without it where it is faulty."""
    try:
        utterance = replace(read_given(given), dialogue="page", turn=len(turns))
        longer = [*turns, replace(utterance, speaker=speaker.strip() or utterance.speaker)]
        check_length(longer)
        answers = predictor.answer(longer)
        if isinstance(answers[-1], FeatureError):
            raise answers[-1]
    except FeatureError as error:
        return turns, error_line(error) + (timeline(predictor, turns) if turns else "")
    return longer, _timeline(predictor.classes, longer, answers)


def check_length(turns: Sequence[Utterance]) -> None:
    """Refuse a dialogue that is too long for a page, which answers every turn anew.

    Raises:
        FeatureError: It has too many turns, or its recordings last too long.
    """
    again = 'press "A new dialogue", or give the whole of it to `predict` as a table'
    if len(turns) > MOST_TURNS:
        raise FeatureError(f"a dialogue has at most {MOST_TURNS} turns on this page: {again}")
    lengths_s = [
        len(turn.samples) / turn.sample_rate_hz for turn in turns if turn.samples is not None
    ]
    if (minutes := sum(lengths_s) / 60) > MOST_MINUTES:
        raise FeatureError(
            f"with this turn the recordings of the dialogue last {minutes:.0f} minutes, on this "
            f"page at most {MOST_MINUTES}: {again}"
        )


def timeline(predictor: Predictor, turns: Sequence[Utterance]) -> str:
    """Return the turns of a dialogue with the answer to each, as the dialogue is now."""
    return _timeline(predictor.classes, turns, predictor.answer(turns))


def _timeline(
    classes: Sequence[str], turns: Sequence[Utterance], answers: Sequence[Answer | FeatureError]
) -> str:
    lines = []
    for turn, answer in zip(turns, answers, strict=True):
        if isinstance(answer, FeatureError):
            lines.append(error_line(answer))
            continue
        parts = "".join(
            f'<i style="width:{100 * share:.2f}%;background:{_colour(place)}" '
            f'title="{escape(name)} {100 * share:.1f} %"></i>'
            for place, (name, share) in enumerate(zip(classes, answer.probabilities, strict=True))
        )
        best = int(np.argmax(answer.probabilities))
        words = escape(turn.text) if turn.text else "<em>a recording</em>"
        lines.append(
            f'<div class="turn"><b>{escape(turn.speaker)}</b><span>{words}</span>'
            f'<div class="stack">{parts}</div>'
            f'<strong style="color:{_colour(best)}">{escape(classes[best])} '
            f"{100 * answer.probabilities[best]:.0f} %</strong></div>"
        )
    legend = " ".join(
        f'<span><i style="background:{_colour(place)}"></i>{escape(name)}</span>'
        for place, name in enumerate(classes)
    )
    return f'<div class="legend">{legend}</div>' + "".join(lines)


def error_line(error: object) -> str:
    """Return what is wrong, to be shown in the answer's place."""
    return f'<div class="fault" role="alert">{escape(str(error))}.</div>'


def _answer(predictor: Predictor, utterance: Utterance) -> Answer:
    (answer,) = predictor.answer([utterance])
    if isinstance(answer, FeatureError):
        raise answer
    return answer


def _bars(
    classes: Sequence[str], answer: Answer, whole: Answer | None, left_out: Sequence[str]
) -> str:
    """Return a bar a class, the likeliest first; a mark where it stood with all that was given."""
    lines = []
    for place in np.argsort(-answer.probabilities, kind="stable"):
        share = float(answer.probabilities[place])
        mark = change = ""
        if whole is not None:
            before = float(whole.probabilities[place])
            mark = f'<u style="left:{100 * before:.2f}%"></u>'
            change = f"<small>{100 * (share - before):+.1f}</small>".replace("-0.0", "+0.0")
        lines.append(
            f'<div class="row"><b>{escape(classes[place])}</b><div class="bar">'
            f'<i style="width:{100 * share:.2f}%;background:{_colour(int(place))}"></i>{mark}</div>'
            f"<span>{100 * share:.2f} %{change}</span></div>"
        )
    note = f"Answered from {_listed(answer.modalities)}."
    if whole is not None:
        note += f" The marks show the answer with {_listed(left_out)}, too."
    return "".join(lines) + f"<p>{note}</p>"


def _listed(modalities: Sequence[str]) -> str:
    return escape(", ".join(LABELS.get(name, name) for name in modalities))


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]
