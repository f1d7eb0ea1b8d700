"""A final model in MLflow: logged from code, registered, its latest version named `best`."""

import importlib.metadata
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import soundfile

from emotion_hpo.corpus.schema import MOTION_PARTS
from emotion_hpo.predict.predictor import Predictor
from emotion_hpo.predict.utterance import FEATURES
from emotion_hpo.tracking.client import no_warnings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

#: The alias under which others load the model: `models:/NAME@best`.
ALIAS = "best"

#: What MLflow runs where it loads a model; to import it here would declare its model at once.
_CODE = Path(__file__).with_name("model.py")


def log_model(
    client: "MlflowClient", uri: str, run_id: str, model: Path, name: str, about: str
) -> None:
    """Log a model file into a run and register it: `models:/NAME@best` is the latest.

    Args:
        client: MLflow's.
        uri: Where it keeps its runs.
        run_id: The final model's run.
        model: The model file.
        name: It is registered under.
        about: What a reader of the registry should know of this version.
    """
    import mlflow

    mlflow.set_tracking_uri(uri)
    with _quiet(), mlflow.start_run(run_id=run_id):
        info = mlflow.pyfunc.log_model(
            name="model", registered_model_name=name, await_registration_for=60, **_settings(model)
        )
    version = str(info.registered_model_version)
    client.update_model_version(name, version, about)
    client.set_registered_model_alias(name, ALIAS, version)


def save_model(model: Path, folder: Path) -> None:
    """Write a model file as a folder that `mlflow.pyfunc.load_model` reads."""
    import mlflow

    with _quiet():
        mlflow.pyfunc.save_model(folder, **_settings(model))


def example(predictor: Predictor) -> pd.DataFrame:
    """Return a table of one utterance that the model can classify, in the first of its columns."""
    column = predictor.columns[0]
    return pd.DataFrame({column: [_example_value(predictor, column)]})


def _example_value(predictor: Predictor, column: str) -> object:
    if column == "text":
        return "I am so glad that you came."
    if column == "speech":
        file = io.BytesIO()
        hum = 0.1 * np.sin(np.arange(8000) / 20)
        soundfile.write(file, hum, 16_000, format="WAV", subtype="PCM_16")
        return file.getvalue()
    if column == "mocap":
        return np.zeros((20, sum(MOTION_PARTS.values()))).tolist()
    shape = predictor.ready_made[column.removeprefix(FEATURES)]
    vector = [0.0] * shape.dimensions
    return vector if shape.is_vector else [vector] * 20


def _settings(path: Path) -> dict[str, Any]:
    predictor = Predictor.open(path)
    return {
        "python_model": str(_CODE),
        "artifacts": {"model": str(path)},
        "signature": _signature(predictor),
        "input_example": example(predictor),
        "pip_requirements": [_requirement(predictor)],
    }


def _requirement(predictor: Predictor) -> str:
    """This program, with the libraries of pretrained models where the model reads what they say."""
    extra = "[pretrained]" if predictor.reads_pretrained else ""
    return f"emotion-hpo{extra}=={importlib.metadata.version('emotion-hpo')}"


def _signature(predictor: Predictor) -> "ModelSignature":
    """Return the columns that go into a model and those that come out.

    `DataType.binary` and `Array` would refuse every request in which one row has a sound or an
    array and another has none; so the model checks these.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    columns = [
        ColSpec(DataType.string if name == "text" else AnyType(), name, required=False)
        for name in (*predictor.columns, *predictor.turn_columns)
    ]
    answers = [ColSpec(DataType.double, name) for name in predictor.classes]
    if predictor.reads == "past":
        answers.append(ColSpec(DataType.string, "state", required=False))
    return ModelSignature(Schema(columns), Schema(answers))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence MLflow, which warns of its own examples and type hints and logs each step.

    What others print meanwhile on standard error is not touched.
    """
    from mlflow.utils import logging_utils

    logger = logging.getLogger("mlflow")
    with no_warnings():  # for one thread at a time: the level and the stream are all threads'
        level, stream = logger.level, logging_utils.MLFLOW_LOGGING_STREAM
        logger.setLevel(logging.CRITICAL)  # a failure is raised as well
        logging_utils.MLFLOW_LOGGING_STREAM = io.StringIO()  # MLflow itself enables the other again
        try:
            yield
        finally:
            logging_utils.MLFLOW_LOGGING_STREAM = stream
            logger.setLevel(level)
