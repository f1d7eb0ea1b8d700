"""Many utterances at once: a folder of recordings, or a table that names them.

What cannot be used is not dropped: its row says why, and the caller is answered how many there are.
"""

import contextlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.dataset.dialogues import pack
from emotion_hpo.dataset.scaling import UNKNOWN_SPEAKER, Moments
from emotion_hpo.errors import CorpusError, FeatureError
from emotion_hpo.predict.predictor import Predictor
from emotion_hpo.predict.reading import read_features, read_motion, read_sound, read_text, to_array
from emotion_hpo.predict.rows import Row
from emotion_hpo.predict.utterance import FEATURES, Answer, Utterance

#: Utterances that are in memory at once: 256 of 5 s are 80 MB of samples.
_AT_ONCE = 256

#: A time that is not there, as programs write it. Of words only an empty field is missing: somebody
#: may well say "None", or be called NA.
_NO_TIME = ("NA", "N/A", "NaN", "nan", "None", "null")


#: A recording may end this much before or after its turn.
_LATE_S = 0.5


@dataclass(frozen=True)
class _Dialogue:
    """Of which dialogue a row is a turn.

    Attributes:
        name: Of the dialogue.
        has_own_recordings: Whether each of its turns has a recording of its own, which is read
            whole: its times are those of the dialogue. Else they say which part is the turn.
    """

    name: str
    has_own_recordings: bool


def predict_rows(
    predictor: Predictor,
    rows: Sequence[Row],
    on_progress: Callable[[int, int], None],
    speaker: str = UNKNOWN_SPEAKER,
) -> pd.DataFrame:
    """One row an utterance: its id, the likeliest emotion, all probabilities, or what is wrong.

    A model with a context reads the turns of a dialogue together; others look at no dialogue. One
    that scales by speaker scales a voice that it has not learnt by all its rows: where these are
    not in memory at once, they are read twice.

    Args:
        predictor: The model.
        rows: What `find_rows` gave.
        on_progress: Called with how many are done, and of how many.
        speaker: Of rows that name none.

    Returns:
        Columns `utterance_id`, `predicted`, `p_CLASS` of each class, `modalities` (what the answer
        is from), `error`.

    Raises:
        FeatureError: There are dialogues, but nothing says how they run.
    """
    answers: dict[int, dict[str, Any]] = {}
    dialogues = _find_dialogues(rows) if predictor.reads else [None] * len(rows)
    portions = [*_portions(rows, dialogues)]
    predictor = _hear_divided(predictor, rows, portions, dialogues, speaker)
    for numbers in portions:
        portion = [rows[number] for number in numbers]
        utterances = [_read(rows[number], speaker, dialogues[number]) for number in numbers]
        answers |= zip(numbers, _answer(predictor, portion, utterances), strict=True)
        on_progress(len(answers), len(rows))
    names = [f"p_{name}" for name in predictor.classes]
    return pd.DataFrame(
        [answers[number] for number in range(len(rows))],
        columns=["utterance_id", "predicted", *names, "modalities", "error"],
    )


def _hear_divided(
    predictor: Predictor,
    rows: Sequence[Row],
    portions: Sequence[Sequence[int]],
    dialogues: Sequence[_Dialogue | None],
    speaker: str,
) -> Predictor:
    """Return a predictor that knows the voices of speakers whose rows are not read at once."""
    names = [row.cells.get("speaker", speaker) for row in rows]
    n_portions = Counter(name for numbers in portions for name in {names[n] for n in numbers})
    divided = predictor.unheard(name for name, n in n_portions.items() if n > 1)
    voices: dict[tuple[int, str], dict[str, Moments]] = defaultdict(dict)
    for numbers in portions:
        if divided.isdisjoint(names[n] for n in numbers):
            continue
        read = [_read(rows[n], speaker, dialogues[n]) for n in numbers]
        usable = [utterance for utterance in read if isinstance(utterance, Utterance)]
        for reader, heard in predictor.hear(usable).items():
            known = voices[reader]
            for name in divided & heard.keys():
                known[name] = known[name] + heard[name] if name in known else heard[name]
    return predictor.knowing(voices) if divided else predictor


def _find_dialogues(rows: Sequence[Row]) -> list[_Dialogue | None]:
    """Of which dialogue each row is a turn; in different sessions, dialogues are different ones.

    Raises:
        FeatureError: Nothing says how they run.
    """
    names = [
        json.dumps([row.cells.get("session"), row.cells["dialogue"]])
        if "dialogue" in row.cells
        else None
        for row in rows
    ]
    turns: dict[str, list[Row]] = defaultdict(list)
    for name, row in zip(names, rows, strict=True):
        if name is not None:
            turns[name].append(row)
    if turns and not any({"turn", "start_s"} & row.cells.keys() for row in rows):
        raise FeatureError(
            "the model reads the turns of a dialogue in their order: beside `dialogue` the table "
            "needs `turn`, or `start_s` and `end_s`"
        )
    n_of = Counter(row.cells["audio"] for row in rows if "audio" in row.cells)
    dialogues = {}
    for name, those in turns.items():
        counts = [n_of[row.cells["audio"]] for row in those if "audio" in row.cells]
        dialogues[name] = _Dialogue(name, len(counts) > 1 and max(counts) == 1)
    return [None if name is None else dialogues[name] for name in names]


def _portions(
    rows: Sequence[Row], dialogues: Sequence[_Dialogue | None]
) -> Iterator[Sequence[int]]:
    """Numbers of rows that are read at once: dialogues as a whole, each in the order of its ids."""
    groups: dict[object, list[int]] = defaultdict(list)
    for number, dialogue in enumerate(dialogues):
        groups[number if dialogue is None else dialogue.name].append(number)
    for numbers in groups.values():
        numbers.sort(key=lambda number: rows[number].utterance_id)
    for portion in pack([np.array(numbers) for numbers in groups.values()], _AT_ONCE):
        yield np.concatenate(portion).tolist()


def _read(row: Row, speaker: str, dialogue: _Dialogue | None) -> Utterance | FeatureError:
    """The utterance, or what is wrong with it."""
    try:
        samples, rate, motion, text = None, 16_000, None, row.cells.get("transcript")
        turn = start_s = end_s = None
        if dialogue is not None:
            turn, start_s, end_s = (_number(row, name) for name in ("turn", "start_s", "end_s"))
        if (path := _path(row, "audio")) is not None and dialogue and dialogue.has_own_recordings:
            samples, rate = read_sound(path, path.name)
            _check_length(path.name, len(samples) / rate, start_s, end_s)
        elif path is not None:
            part = (_number(row, "start_s"), _number(row, "end_s"))
            samples, rate = read_sound(path, path.name, *part)
        if (path := _path(row, "motion")) is not None:
            motion = read_motion(path, path.name)
        if text is not None:
            text = read_text(text, "transcript")
        features, speaker = dict(_features(row)), row.cells.get("speaker", speaker)
        name = None if dialogue is None else dialogue.name
        return Utterance(text, samples, rate, motion, speaker, features, name, turn, start_s, end_s)
    except (CorpusError, FeatureError) as error:
        return FeatureError(str(error))


def _check_length(name: str, seconds: float, start_s: float | None, end_s: float | None) -> None:
    """Refuse a recording of one turn that is not as long as the turn.

    Raises:
        FeatureError: It is not.
    """
    if start_s is None or end_s is None or abs(seconds - (end_s - start_s)) <= _LATE_S:
        return
    raise FeatureError(
        f"{name}: the recording lasts {seconds:.2f} s, but the turn from start_s={start_s:g} to "
        f"end_s={end_s:g}; no other row names it, so that it should be the turn alone"
    )


def _features(row: Row) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Ready-made features of an utterance: a file of its own, an array, or its part of a file.

    Raises:
        CorpusError: Its part of a file cannot be used.
        FeatureError: There is no such file, or no array in it.
    """
    for column, cell in row.cells.items():
        if column.startswith(FEATURES):
            name = column.removeprefix(FEATURES)
            if cell.startswith("["):  # as Parquet holds arrays
                yield name, _listed(cell, column)
            else:
                path = row.folder / cell
                yield name, read_features(path, f"{column}: {path.name}")
    for name, file in row.files.items():
        if (values := file.of(row.utterance_id)) is not None:
            yield name, values


def _listed(text: str, column: str) -> NDArray[np.float32]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise FeatureError(f"{column} is neither a file nor a list of numbers") from None
    return to_array(values, column)


def _path(row: Row, name: str) -> Path | None:
    return row.folder / row.cells[name] if name in row.cells else None


def _number(row: Row, name: str) -> float | None:
    """A time of a row, or its turn, if it has one.

    Raises:
        FeatureError: It is no number.
    """
    text = row.cells.get(name)
    if text is None or text in _NO_TIME:
        return None
    number = math.nan
    with contextlib.suppress(ValueError):
        number = float(text)
    if math.isnan(number) or "_" in text:  # Python takes 1_5 for 15
        what = "number" if name == "turn" else "number of seconds"
        raise FeatureError(f"{name} is no {what}: {text!r}")
    return number


def _answer(
    predictor: Predictor, rows: Sequence[Row], utterances: Sequence[Utterance | FeatureError]
) -> list[dict[str, Any]]:
    """Ask for all at once that can be asked for."""
    usable = [utterance for utterance in utterances if isinstance(utterance, Utterance)]
    waiting = iter(predictor.answer(usable))
    answers = []
    for row, utterance in zip(rows, utterances, strict=True):
        answer = next(waiting) if isinstance(utterance, Utterance) else utterance
        answered: dict[str, Any] = {"utterance_id": row.utterance_id}
        if isinstance(answer, Answer):
            answered["predicted"] = predictor.classes[int(answer.probabilities.argmax())]
            shares = zip(predictor.classes, answer.probabilities.tolist(), strict=True)
            answered |= {f"p_{name}": share for name, share in shares}
            answered["modalities"] = " ".join(answer.modalities)
        else:
            error = f"{row.place}: {answer}" if row.place else str(answer)
            answered["error"] = " ".join(error.splitlines())  # names may hold breaks
        answers.append(answered)
    return answers
