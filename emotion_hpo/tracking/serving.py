"""MLflow's own scoring server over a final model, on the loopback address alone.

The model is written as MLflow has it (from code, nothing pickled), loaded by `mlflow.pyfunc`, and
handed to MLflow's server. What is added are limits: MLflow reads a request as a whole, and a body
of gigabytes would be the end of the server; and JSON that Python does not read, nested too deep or
with a number of thousands of digits, is the fault of its sender, not of the server. Rows and
columns of utterances that lack a modality reach MLflow in the one form in which it keeps the gap.
A column that the model does not take is refused: MLflow would drop it without a word.
"""

import json
import os
import tempfile
import warnings
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from emotion_hpo.predict import FEATURES, TURN_COLUMNS
from emotion_hpo.tracking.final_model import save_model

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

#: Five minutes of stereo at 48 kHz are 77 MB in base64.
LARGEST_BODY = 80 * 2**20

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def limited(app: App, largest: int = LARGEST_BODY) -> App:
    """Wrap an application so that it refuses bodies beyond a size, whatever their header says.

    A body is read here and handed on as a whole, which is how MLflow reads it anyway. One that is
    too large is read to its end and thrown away, for a client that is cut off while it sends hears
    of no reason; but no further than ten times the limit.
    """

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        parts: list[bytes] = []
        seen, goes_on = 0, True
        while goes_on and seen <= 10 * largest:
            message = await receive()
            body = message.get("body", b"")
            seen += len(body)
            if seen <= largest:
                parts.append(body)
            else:
                parts.clear()
            goes_on = message.get("more_body", False)
        if seen > largest:
            reason = f"a request may have {largest // 2**20} MB; send fewer utterances at once"
            await _refuse(send, 413, "REQUEST_LIMIT_EXCEEDED", reason)
            return
        headers = scope["headers"]
        kinds = [value.lower() for name, value in headers if name == b"content-type"]
        # In a CSV, MLflow reads the word "None" as none.
        if any(kind.startswith(b"text/csv") for kind in kinds):
            reason = "a request is JSON, not CSV: sound and motion do not fit into a table of words"
            await _refuse(send, 415, "BAD_REQUEST", reason)
            return
        if not kinds:  # MLflow would fall over it
            scope = {**scope, "headers": [*headers, (b"content-type", b"application/json")]}
        whole: list[Message] = [{"type": "http.request", "body": as_records(b"".join(parts))}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await app(scope, replay, send)

    return answer


def as_records(body: bytes) -> bytes:
    """Rewrite MLflow's other two forms of JSON, `instances` and `inputs`, as `dataframe_records`.

    MLflow would read a null among them as the word "None", and two instances of different columns
    as one utterance. What is in no such form is left as it came.

    >>> as_records(b'{"inputs": {"text": ["yes", null]}}')
    b'{"dataframe_records": [{"text": "yes"}, {"text": null}]}'
    """
    if b'"instances"' not in body and b'"inputs"' not in body:  # not to read all JSON twice
        return body
    try:
        match json.loads(body):
            case {"instances": [{}, *_] as rows} as request:
                form = "instances"
            case {"inputs": dict(columns)} as request:
                form = "inputs"
                lists = [
                    values if isinstance(values, list) else [values] for values in columns.values()
                ]
                rows = [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
            case _:
                return body
    except (ValueError, RecursionError):  # MLflow says what is wrong with it
        return body
    rest = {name: value for name, value in request.items() if name != form}
    return json.dumps({"dataframe_records": rows, **rest}).encode()


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    content = {"error_code": code, "message": message}
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


def serving_app(model: Path) -> App:
    """Return MLflow's scoring application for a model file."""
    import mlflow
    from mlflow.pyfunc import scoring_server

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_model(model, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = mlflow.pyfunc.load_model(str(path))  # reads all that it needs
    app = scoring_server.init(_Strict(loaded))
    for error in (RecursionError, ValueError):  # what a model raises, MLflow reports itself
        app.add_exception_handler(error, _unreadable)
    return limited(app)


class _Strict:
    """A loaded model that refuses columns which MLflow would drop."""

    def __init__(self, model: "PyFuncModel") -> None:
        self.metadata = model.metadata
        self._model = model

    def predict(self, data: Any, params: Any = None) -> Any:  # noqa: ANN401 (MLflow's own)
        """Return the model's answer.

        Raises:
            MlflowException: A column with a value is none that the model takes.
        """
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

        known = self.metadata.get_input_schema().input_names()
        if isinstance(data, pd.DataFrame):
            given = data.columns[data.notna().any()]
            if unknown := [str(name) for name in given if name not in known]:
                raise MlflowException(unknown_column(unknown[0], known), INVALID_PARAMETER_VALUE)
        return self._model.predict(data, params=params)


def unknown_column(name: str, known: Sequence[str]) -> str:
    """Say that a model does not take a column, and which ones it takes.

    >>> unknown_column("speech", ["text", "features.speech"])
    "the model takes no column 'speech': its speech is ready-made, so give features.speech; the \
columns are text, features.speech"
    """
    why = ""
    if name in TURN_COLUMNS:
        why = ": it reads every utterance alone"
    elif f"{FEATURES}{name}" in known:
        why = f": its {name} is ready-made, so give {FEATURES}{name}"
    return f"the model takes no column {name!r}{why}; the columns are {', '.join(known)}"


async def _unreadable(_request: object, error: Exception) -> Any:  # noqa: ANN401 (Starlette's response)
    from starlette.responses import JSONResponse

    reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    message = (
        f"the JSON cannot be read: {reason}; an utterance's columns are a string or rows of numbers"
    )
    return JSONResponse({"error_code": "BAD_REQUEST", "message": message}, status_code=400)


def serve(model: Path, port: int) -> None:
    """Answer requests until Ctrl-C."""
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    import uvicorn

    uvicorn.run(serving_app(model), host="127.0.0.1", port=port, log_level="warning")
