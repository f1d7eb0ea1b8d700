"""A final model as MLflow loads and serves it, from this code and `model.pt`: nothing is pickled.

`mlflow.pyfunc.load_model` runs this file and calls `load_context` with the logged files. In: a
table, a row an utterance, with any of the columns `text` (words), `speech` (the bytes of a WAV
file, base64 in JSON) and `mocap` (`(frames, 189)` numbers). Out: a column of probabilities for each
emotion.
"""

import io
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import soundfile
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict import Predictor, Utterance

#: Column → what MLflow checks it for.
COLUMNS: dict[str, DataType | Array] = {
    "text": DataType.string,
    "speech": DataType.binary,
    "mocap": Array(Array(DataType.double)),
}


def signature(predictor: Predictor) -> ModelSignature:
    """What goes in and comes out of a model."""
    columns = [
        ColSpec(COLUMNS[name], name, required=False)
        for name in COLUMNS
        if name in predictor.modalities
    ]
    classes = [ColSpec(DataType.double, name) for name in predictor.classes]
    return ModelSignature(Schema(columns), Schema(classes))


class EmotionModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The model behind MLflow's interface."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 (MLflow's own)
        """Read the logged files."""
        self._predictor = Predictor.open(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ANN401, ARG002
        """Class probabilities, a row an utterance."""
        rows = [_utterance(index, row) for index, row in enumerate(model_input.to_dict("records"))]
        probabilities = self._predictor(rows).astype(np.float64)
        return pd.DataFrame(probabilities, columns=list(self._predictor.classes))


def _utterance(index: int, row: Mapping[Hashable, Any]) -> Utterance:
    """One row of a request.

    Raises:
        FeatureError: Its sound is not a WAV file.
    """
    given = {name: value for name, value in row.items() if value is not None and value is not pd.NA}
    samples, rate = None, 16_000
    if isinstance(given.get("speech"), bytes):
        try:
            stereo, rate = soundfile.read(
                io.BytesIO(given["speech"]), dtype="float32", always_2d=True
            )
        except (soundfile.SoundFileError, ValueError) as error:
            raise FeatureError(f"utterance {index}: speech is not a WAV file ({error})") from None
        samples = stereo.mean(1)
    mocap = given.get("mocap")
    motion = (
        None if mocap is None or isinstance(mocap, float) else np.array(list(mocap), np.float32)
    )
    text = given.get("text")
    return Utterance(text if isinstance(text, str) else None, samples, rate, motion)


mlflow.models.set_model(EmotionModel())
