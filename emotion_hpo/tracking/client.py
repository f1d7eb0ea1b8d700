"""How MLflow is reached: its client, its database beside the studies, its pages."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from filelock import FileLock

from emotion_hpo.config.tracking import MlflowTracking
from emotion_hpo.errors import TrackingError
from emotion_hpo.study import StudyHome
from emotion_hpo.tracking.moving import follow_move

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"

#: Held while warnings are off: their filters are all threads', and of two that overlap the last to
#: end would restore what the first had set.
_WARNINGS = Lock()


@contextmanager
def no_warnings() -> Iterator[None]:
    """Ignore warnings, for one thread of this room at a time."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def experiment_id(home: StudyHome, name: str) -> str | None:
    """Return an experiment's id in MLflow, or None if it has none of that name.

    A database that is not there is made here, for the server's own workers would race for it.

    Raises:
        TrackingError: The file is no such database.
    """
    try:
        client = open_client(home, local_uri(home))
        experiment = client.get_experiment_by_name(name)
    except Exception as error:
        raise TrackingError(
            f"{home.mlflow_database} cannot be opened by MLflow: {first_line(error)}; restore it "
            "from a copy, or move it away: `emotion-hpo sync` writes a study anew"
        ) from None
    return str(experiment.experiment_id) if experiment else None


def check_server(home: StudyHome, tracking: MlflowTracking) -> str:
    """Return in words where MLflow keeps runs, once it has answered.

    Raises:
        TrackingError: It does not answer.
    """
    uri = tracking_uri(home, tracking)
    if tracking.uri is None and not home.mlflow_database.exists():
        return f"MLflow, in {home.mlflow_database}, which the first search makes"
    try:
        open_client(home, uri)
    except Exception as error:
        raise TrackingError(f"MLflow at {uri} cannot be used: {first_line(error)}") from None
    return f"MLflow at {uri} answers"


def serve_ui(home: StudyHome, port: int) -> None:
    """Turn this process into MLflow's server, on the loopback address alone."""
    uri = local_uri(home)
    artifacts = home.mlflow_artifacts.resolve().as_uri()
    options = ["--backend-store-uri", uri, "--registry-store-uri", uri]
    options += ["--default-artifact-root", artifacts]
    options += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    options += ["--uvicorn-opts", "--log-level warning"]  # not a line a request
    # No study asks MLflow to run anything, and its own notices hide the address.
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *options])  # noqa: S606


def tracking_uri(home: StudyHome, tracking: MlflowTracking) -> str:
    """Return the address where MLflow keeps a study's runs."""
    return tracking.uri or local_uri(home)


def local_uri(home: StudyHome) -> str:
    """Return the address of MLflow's database beside the studies."""
    return f"{_SQLITE}{home.mlflow_database.resolve()}"


def open_client(home: StudyHome, uri: str) -> "MlflowClient":
    """Open a client; on a fresh SQLite file this makes MLflow's tables, which it logs at length.

    Two that make them at once would break each other's: the file is shared by all studies. In a
    folder that was moved, MLflow's places of artifacts follow.
    """
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with no_warnings():
        from mlflow import MlflowClient
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A server that is down is to be noticed while somebody waits: MLflow's own limit is minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with FileLock(home.mlflow_lock) if uri.startswith(_SQLITE) else nullcontext():
        if uri.startswith(_SQLITE) and not (path := Path(uri.removeprefix(_SQLITE))).exists():
            # Killed half-way, MLflow finds half of its tables and never makes the others.
            half_made = path.with_name(f".{path.name}.partial")
            half_made.unlink(missing_ok=True)
            MlflowClient(f"{_SQLITE}{half_made}").search_experiments(max_results=1)
            half_made.replace(path)
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
        if uri == local_uri(home):
            follow_move(home)
    return client


def first_line(error: Exception) -> str:
    """Return an error's first line, without its stack and hints."""
    return (str(error).splitlines() or [type(error).__name__])[0]
