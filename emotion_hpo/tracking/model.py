"""A final model as MLflow loads and serves it, from this code and `model.pt`: nothing is pickled.

`mlflow.pyfunc.load_model` runs this file and calls `load_context` with the logged files. In: a
table, a row an utterance, with any of those columns that the model reads: `text` (words), `speech`
(the bytes of a WAV file, base64 in JSON), `mocap` (`(frames, 189)` numbers), and `features.NAME`
for each modality that it learnt from ready-made features (`(d,)` or `(frames, d)` numbers). Out: a
column of probabilities for each emotion. What cannot be used is refused as MLflow refuses a wrong
column, so that a server answers with 400 and one line, and lives on.
"""

import base64
import io
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict.predictor import FEATURES, Predictor, Utterance
from emotion_hpo.predict.reading import read_sound, read_text, to_array


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
            takes = ", ".join(self._predictor.columns)
            message = f"nothing that the model uses; the columns are {takes}"
            raise MlflowException(message, INVALID_PARAMETER_VALUE)
        try:
            rows = [_utterance(index, row) for index, row in enumerate(records)]
            probabilities = self._predictor(rows).astype(np.float64)
        except FeatureError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from None
        return pd.DataFrame(probabilities, columns=list(self._predictor.classes))


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


def _is_missing(value: object) -> bool:
    """Return whether a cell says that its row has none of a modality."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)  # noqa: PLR0124 (NaN)


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise FeatureError(f"{name}: speech is not base64 of a WAV file") from None


mlflow.models.set_model(EmotionModel())
