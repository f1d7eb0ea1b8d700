"""Many utterances at once: a folder of recordings, or a table that names them.

What cannot be used is not dropped: its row says why, and the caller is answered how many there are.
"""

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.faults import refuse_rows
from emotion_hpo.corpus.manifest_features import FeatureFile
from emotion_hpo.corpus.manifest_file import Columns, read_columns
from emotion_hpo.errors import CorpusError, FeatureError
from emotion_hpo.predict.predictor import FEATURES, Answer, Predictor, Utterance
from emotion_hpo.predict.reading import read_features, read_motion, read_sound, read_text, to_array

#: Utterances that are in memory at once: 256 of 5 s are 80 MB of samples.
_AT_ONCE = 256

#: Columns of a table that say something of an utterance, beside `features.NAME`.
_SOURCES = ("audio", "transcript", "motion")

#: Of a table; those of a manifest, and anybody's own, may stand beside them.
_COLUMNS = Columns(
    ("utterance_id",),
    (*_SOURCES, "start_s", "end_s", "speaker"),
    is_open=True,
    names=("utterance_id", "speaker"),
)

#: A time that is not there, as programs write it. Of words only an empty field is missing: somebody
#: may well say "None", or be called NA.
_NO_TIME = ("NA", "N/A", "NaN", "nan", "None", "null")


@dataclass(frozen=True)
class Row:
    """What is given of one utterance, not read yet.

    Attributes:
        utterance_id: Its name.
        cells: Column → value; without those that are missing.
        folder: That paths are relative to.
        place: Of a table, the file and line.
        files: Modality → the file of features that holds all utterances'.
    """

    utterance_id: str
    cells: Mapping[str, str]
    folder: Path = Path()
    place: str = ""
    files: Mapping[str, FeatureFile] = field(default_factory=dict)


def find_rows(source: Path, features: Mapping[str, Path] | None = None) -> list[Row]:
    """The utterances that a folder or a table holds, in order.

    Args:
        source: A folder of WAV files, or a table (`.csv`, `.tsv`, `.parquet`) with `utterance_id`
            and any of `audio`, `start_s`, `end_s`, `transcript`, `motion`, `speaker` and
            `features.NAME`; its paths are relative to its own folder.
        features: Modality → a file of all utterances' features, as a manifest takes it.

    Raises:
        CorpusError: It is neither, or a row has no name of its own.
        FeatureError: It names no utterance, or nothing of them.
    """
    rows = _folder_rows(source) if source.is_dir() else _table_rows(source, bool(features))
    if not features:
        return rows
    if twice := [name for name in features if any(FEATURES + name in row.cells for row in rows)]:
        raise FeatureError(f"{FEATURES}{twice[0]} is a column of {source}, too; leave one out")
    ids = [row.utterance_id for row in rows]
    files = {name: FeatureFile(path, name, ids, "features") for name, path in features.items()}
    return [replace(row, files=files) for row in rows]


def _folder_rows(folder: Path) -> list[Row]:
    rows = [
        Row(str(path.relative_to(folder).with_suffix("")), {"audio": str(path)})
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() == ".wav"
        and not path.name.startswith("._")  # what macOS leaves in archives
    ]
    if not rows:
        raise FeatureError(f"{folder} holds no .wav file")
    return rows


def _table_rows(path: Path, is_beside_features: bool) -> list[Row]:
    if not path.exists():
        raise FeatureError(f"{path}: no such file or folder")
    table, places = read_columns(path, _COLUMNS)
    has_any = any(name in _SOURCES or name.startswith(FEATURES) for name in table.columns)
    if not has_any and not is_beside_features:
        raise FeatureError(
            f"{path}: a table needs one of the columns {', '.join(_SOURCES)}, {FEATURES}NAME"
        )
    if table.empty:
        raise FeatureError(f"{path} holds no utterance")
    ids = table["utterance_id"]
    if nameless := [place for place, name in zip(places, ids, strict=True) if name is None]:
        refuse_rows(nameless, "have no utterance_id")
    if twice := [places[row] for row in np.flatnonzero(ids.duplicated())]:
        refuse_rows(twice, "repeat an utterance_id")
    return [
        Row(
            cells["utterance_id"],
            {str(name): cell for name, cell in cells.items() if cell is not None},
            path.parent,
            place,
        )
        for cells, place in zip(table.to_dict("records"), places, strict=True)
    ]


def predict_rows(
    predictor: Predictor,
    rows: Sequence[Row],
    on_progress: Callable[[int, int], None],
    speaker: str = "unknown",
) -> pd.DataFrame:
    """One row an utterance: its id, the likeliest emotion, all probabilities, or what is wrong.

    Args:
        predictor: The model.
        rows: What `find_rows` gave.
        on_progress: Called with how many are done, and of how many.
        speaker: Of rows that name none.

    Returns:
        Columns `utterance_id`, `predicted`, `p_CLASS` of each class, `modalities` (what the answer
        is from), `error`.
    """
    answers: list[dict[str, Any]] = []
    for portion in _portions(rows):
        utterances = [_read(row, speaker) for row in portion]
        answers += _answer(predictor, portion, utterances)
        on_progress(len(answers), len(rows))
    names = [f"p_{name}" for name in predictor.classes]
    return pd.DataFrame(
        answers, columns=["utterance_id", "predicted", *names, "modalities", "error"]
    )


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]


def _read(row: Row, speaker: str) -> Utterance | FeatureError:
    """The utterance, or what is wrong with it."""
    try:
        samples, rate, motion, text = None, 16_000, None, row.cells.get("transcript")
        if (path := _path(row, "audio")) is not None:
            samples, rate = read_sound(
                path, path.name, _seconds(row, "start_s"), _seconds(row, "end_s")
            )
        if (path := _path(row, "motion")) is not None:
            motion = read_motion(path, path.name)
        if text is not None:
            text = read_text(text, "transcript")
        features = dict(_features(row))
        return Utterance(text, samples, rate, motion, row.cells.get("speaker", speaker), features)
    except (CorpusError, FeatureError) as error:
        return FeatureError(str(error))


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


def _seconds(row: Row, name: str) -> float | None:
    """A time of a row, if it has one.

    Raises:
        FeatureError: It is no number.
    """
    text = row.cells.get(name)
    if text is None or text in _NO_TIME:
        return None
    seconds = math.nan
    with contextlib.suppress(ValueError):
        seconds = float(text)
    if math.isnan(seconds) or "_" in text:  # Python takes 1_5 for 15
        raise FeatureError(f"{name} is no number of seconds: {text!r}")
    return seconds


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
