"""A final model as MLflow loads and serves it, from this code and `model.pt`: nothing is pickled.

`mlflow.pyfunc.load_model` runs this file and calls `load_context` with the logged files. In: a
table, a row an utterance, with any of those columns that the model reads: `text` (words), `speech`
(the bytes of a WAV file, base64 in JSON), `mocap` (`(frames, 189)` numbers), and `features.NAME`
for each modality that it learnt from ready-made features (`(d,)` or `(frames, d)` numbers); of a
model that scales by speaker also `speaker`, by which the rows of a request are scaled together.
Out: a column of probabilities for each emotion. What cannot be used is refused as MLflow refuses a
wrong column, so that a server answers with 400 and one line, and lives on.

A model with a context takes `dialogue` (and `session`), `speaker`, and `turn` or `start_s` and
`end_s` of each turn beside: rows of one dialogue are read together. One that reads the past alone
also answers turn by turn: `state` is empty for the first turn of a dialogue; the answer has a
column `state`, too, which comes back with the next turn. Nothing is kept here.
"""

import base64
import io
import json
import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from numpy.typing import NDArray

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict.dialogue import Dialogue
from emotion_hpo.predict.predictor import Predictor
from emotion_hpo.predict.reading import read_sound, read_text, to_array
from emotion_hpo.predict.utterance import FEATURES, Answer, Utterance


class EmotionModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The model behind MLflow's interface."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 (MLflow's own)
        """Read the logged files."""
        self._predictor = Predictor.open(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ANN401, ARG002
        """Return class probabilities, a row an utterance.

        Raises:
            MlflowException: An utterance cannot be used; it is named.
        """
        records = model_input.to_dict("records")
        if model_input.columns.empty:  # MLflow drops columns that it does not know
            takes = ", ".join((*self._predictor.columns, *self._predictor.turn_columns))
            message = f"nothing that the model uses; the columns are {takes}"
            raise MlflowException(message, INVALID_PARAMETER_VALUE)
        try:
            return self._answer(records)
        except FeatureError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from None

    def _answer(self, records: Sequence[Mapping[Hashable, Any]]) -> pd.DataFrame:
        """Answer rows that go on with a dialogue one by one, and all others together.

        Raises:
            FeatureError: An utterance cannot be used; it is named.
        """
        columns = self._predictor.turn_columns
        said = [{name: row[name] for name in columns if name in row} for row in records]
        utterances = [
            _as_turn(_utterance(index, row), turn, f"utterance {index}")
            for index, (row, turn) in enumerate(zip(records, said, strict=True))
        ]
        states = [turn.get("state") for turn in said]
        if all(map(_is_missing, states)):
            return self._table(self._predictor(utterances))
        answers = []
        for index, (utterance, state) in enumerate(zip(utterances, states, strict=True)):
            try:
                answers.append(self._follow(utterance, state))
            except FeatureError as error:
                raise FeatureError(f"utterance {index}: {error}") from None
        table = self._table(np.stack([answer.probabilities for answer, _ in answers]))
        return table.assign(state=[dialogue.to_text() for _, dialogue in answers])

    def _follow(self, utterance: Utterance, state: object) -> tuple[Answer, Dialogue]:
        """Answer the next turn of a dialogue.

        Raises:
            FeatureError: It, or what was said before, cannot be used.
        """
        before = self._predictor.begin()
        if not isinstance(state, str) or utterance.dialogue is not None:
            raise FeatureError(
                "where a request goes on with dialogues, every row has a state, text that is empty "
                "at a dialogue's start, and none has a dialogue"
            )
        return self._predictor.answer_next(utterance, before.continued(state) if state else before)

    def _table(self, probabilities: NDArray[np.float32]) -> pd.DataFrame:
        table = probabilities.astype(np.float64)
        return pd.DataFrame(table, columns=list(self._predictor.classes))


def _utterance(index: int, row: Mapping[Hashable, Any]) -> Utterance:
    """Build an utterance from a row of a request.

    Raises:
        FeatureError: Its sound is no WAV file, its arrays are no numbers, or it is too long.
    """
    name = f"utterance {index}"
    text, speech, motion = (
        None if _is_missing(row.get(part)) else row[part] for part in ("text", "speech", "mocap")
    )
    samples, rate = None, 16_000
    if isinstance(speech, str):
        speech = _decoded(speech, name)
    if isinstance(speech, bytes):
        samples, rate = read_sound(io.BytesIO(speech), f"{name}: speech")
    elif speech is not None:
        raise FeatureError(f"{name}: speech must be a WAV file, in JSON as base64")
    if text is not None and not isinstance(text, str):
        raise FeatureError(f"{name}: text must be a string")
    words = None if text is None else read_text(text, name)
    arrays = {
        str(column).removeprefix(FEATURES): to_array(value, f"{name}: {column}")
        for column, value in row.items()
        if str(column).startswith(FEATURES) and not _is_missing(value)
    }
    frames = None if motion is None else to_array(motion, f"{name}: motion")
    return Utterance(words, samples, rate, frames, features=arrays)


def _as_turn(utterance: Utterance, row: Mapping[str, Any], name: str) -> Utterance:
    """Add what a row says of its speaker and dialogue.

    Raises:
        FeatureError: A time is no number.
    """
    said: dict[str, Any] = {}
    for column in ("turn", "start_s", "end_s"):
        value = row.get(column)
        if value is None or _is_missing(value):
            continue
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if not is_number or abs(value) > sys.float_info.max:
            raise FeatureError(f"{name}: {column} must be a number")
        said[column] = float(value)
    session, dialogue, speaker = (_name(row, name) for name in ("session", "dialogue", "speaker"))
    if dialogue is not None:  # in different sessions, dialogues are different ones
        said["dialogue"] = json.dumps([session, dialogue])
    if speaker is not None:
        said["speaker"] = speaker
    return replace(utterance, **said)


def _name(row: Mapping[str, Any], column: str) -> str | None:
    """Return what a row names in a column; an empty field names nothing, as in a table."""
    value = row.get(column)
    return None if _is_missing(value) else str(value) or None


def _is_missing(value: object) -> bool:
    """Return whether a cell says that its row has none of a modality."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)  # noqa: PLR0124 (NaN)


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise FeatureError(f"{name}: speech is not base64 of a WAV file") from None


mlflow.models.set_model(EmotionModel())
