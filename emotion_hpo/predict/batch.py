"""Many utterances at once: a folder of recordings, or a table that names them.

What cannot be used is not dropped: its row says why, and the caller is told how many there are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from emotion_hpo.corpus.parquet import names_as_text
from emotion_hpo.errors import FeatureError, unknown_name
from emotion_hpo.predict.predictor import Predictor, Utterance
from emotion_hpo.predict.reading import read_motion, read_sound, read_text

#: Utterances that are in memory at once: 256 of 5 s are 80 MB of samples.
_AT_ONCE = 256

#: Columns of words. An empty field is missing; somebody may well say "None", or be called NA.
_WORDS = ("utterance_id", "audio", "transcript", "motion", "speaker")
_TIMES = ("start_s", "end_s")
_NO_NUMBER = ["", "NA", "N/A", "NaN", "nan", "None", "null"]

Row = Mapping[str, Any]


def find_rows(source: Path) -> list[Row]:
    """The utterances that a folder or a table holds, in order.

    Args:
        source: A folder of WAV files, or a CSV or Parquet table with `utterance_id` and any of
            `audio`, `start_s`, `end_s`, `transcript`, `motion` and `speaker`; its paths are
            relative to its own folder.

    Raises:
        FeatureError: It is neither, or names no utterance.
    """
    if source.is_dir():
        files = sorted(one for one in source.rglob("*") if one.suffix.lower() == ".wav")
        rows: list[Row] = [
            {"utterance_id": str(one.relative_to(source).with_suffix("")), "audio": one}
            for one in files
            if not one.name.startswith("._")  # what macOS leaves in archives
        ]
        if not rows:
            raise FeatureError(f"{source} holds no .wav file")
        return rows
    return _table_rows(source)


def _table_rows(path: Path) -> list[Row]:
    table = _read_table(path)
    if "utterance_id" not in table:
        near = unknown_name("column", "utterance_id", map(str, table.columns))
        raise FeatureError(f"{path}: {near.replace('unknown column', 'there is no column')}")
    if not any(name in table for name in ("audio", "transcript", "motion")):
        raise FeatureError(f"{path}: a table needs one of the columns audio, transcript, motion")
    if table["utterance_id"].isna().any() or table["utterance_id"].duplicated().any():
        raise FeatureError(f"{path}: each utterance_id must be there once")
    rows: list[Row] = []
    for row in table.to_dict("records"):
        given = {str(k): v for k, v in row.items() if not (isinstance(v, float) and v != v)}  # noqa: PLR0124 (NaN)
        for name in ("audio", "motion"):
            if given.get(name) is not None:
                given[name] = path.parent / str(given[name])
        rows.append(given)
    if not rows:
        raise FeatureError(f"{path} holds no utterance")
    return rows


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise FeatureError(f"{path}: no such file or folder")
    try:
        match path.suffix.lower():
            case ".csv":
                return pd.read_csv(
                    path,
                    dtype=dict.fromkeys(_WORDS, str),
                    keep_default_na=False,
                    na_values={
                        one: _NO_NUMBER if one in _TIMES else [""] for one in (*_WORDS, *_TIMES)
                    },
                )
            case ".parquet":
                names = ("utterance_id", "speaker")
                table: pd.DataFrame = names_as_text(pq.read_table(path), names).to_pandas()
                return table
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())
        raise FeatureError(f"{path} cannot be read as a table: {words}") from None
    raise FeatureError(f"{path}: a table ends in .csv or .parquet")


def predict_rows(
    predictor: Predictor, rows: Sequence[Row], on_progress: Callable[[int, int], None]
) -> pd.DataFrame:
    """One row an utterance: its id, the likeliest emotion, all probabilities, or what is wrong."""
    answers: list[dict[str, Any]] = []
    for some in _portions(rows):
        utterances: list[Utterance | str] = [_read(row) for row in some]
        answers += _answered(predictor, some, utterances)
        on_progress(len(answers), len(rows))
    names = [f"p_{name}" for name in predictor.classes]
    return pd.DataFrame(answers, columns=["utterance_id", "predicted", *names, "error"])


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]


def _read(row: Row) -> Utterance | str:
    """The utterance, or what is wrong with it."""
    try:
        samples, rate, motion, text = None, 16_000, None, row.get("transcript")
        if row.get("audio") is not None:
            path = Path(row["audio"])
            samples, rate = read_sound(path, path.name, *(_seconds(row, name) for name in _TIMES))
        if row.get("motion") is not None:
            path = Path(row["motion"])
            motion = read_motion(path, path.name)
        if text is not None:
            text = read_text(str(text), "transcript")
    except FeatureError as error:
        return str(error)
    return Utterance(text, samples, rate, motion, str(row.get("speaker", "unknown")))


def _seconds(row: Row, name: str) -> float | None:
    """A time of a row, if it has one.

    Raises:
        FeatureError: It is no number.
    """
    value = row.get(name)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise FeatureError(f"{name} is no number of seconds: {value!r}") from None


def _answered(
    predictor: Predictor, rows: Sequence[Row], utterances: Sequence[Utterance | str]
) -> list[dict[str, Any]]:
    """Ask for all at once; if one of them cannot be used, for each alone."""
    usable = [one for one in utterances if isinstance(one, Utterance)]
    try:
        found = [dict(zip(predictor.classes, one, strict=True)) for one in predictor(usable)]
        told: list[dict[str, float] | str] = [*found]
    except FeatureError:
        told = [_alone(predictor, one) for one in usable]
    waiting = iter(told)
    answers = []
    for row, one in zip(rows, utterances, strict=True):
        answer = one if isinstance(one, str) else next(waiting)
        known: dict[str, Any] = {"utterance_id": row["utterance_id"]}
        if isinstance(answer, str):
            answers.append(known | {"error": answer})
            continue
        best = max(answer, key=lambda name: answer[name])
        shares = {f"p_{name}": float(share) for name, share in answer.items()}
        answers.append(known | {"predicted": best} | shares)
    return answers


def _alone(predictor: Predictor, utterance: Utterance) -> dict[str, float] | str:
    try:
        return dict(zip(predictor.classes, predictor([utterance])[0].tolist(), strict=True))
    except FeatureError as error:
        return str(error).removeprefix("utterance 0: ").removeprefix("utterance 0 ")
