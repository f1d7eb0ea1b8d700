"""MLflow as a mirror of studies. No other package imports mlflow.

The truth lies in the study's database and folder. A tracker is shown the trials as they stand and
writes what MLflow does not have yet: one parent run a study, one child run a trial, every epoch's
metrics. It asks MLflow what is there before it writes, so that showing the same trials twice, or to
another process tomorrow, changes nothing. Workers know nothing of it.
"""

import importlib.metadata
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.config.search import MlflowTracking
from emotion_hpo.errors import TrackingError
from emotion_hpo.records import Epoch, FinalHome, StudyHome, Trial, TrialState

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

#: MLflow refuses longer values.
_LONGEST_PARAM = 6000

#: MLflow takes at most this many metrics in one call.
_BATCH = 1000

_STATUS = {
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.INTERRUPTED: "KILLED",
}


class Tracker(Protocol):
    """Something that mirrors a study for people to look at."""

    def mirror(self, trials: Iterable[Trial]) -> None:
        """Write what is missing of these trials."""
        ...

    def close(self, summary: Mapping[str, Any]) -> None:
        """End the study's run with its summary."""
        ...

    def log_final(
        self, name: str, metrics: Mapping[str, float], tags: Mapping[str, str], folder: FinalHome
    ) -> str | None:
        """Write a final model's run; return where it can be found."""
        ...


class NullTracker:
    """Mirrors nothing."""

    def mirror(self, trials: Iterable[Trial]) -> None:
        """Do nothing."""

    def close(self, summary: Mapping[str, Any]) -> None:
        """Do nothing."""

    def log_final(
        self, name: str, metrics: Mapping[str, float], tags: Mapping[str, str], folder: FinalHome
    ) -> str | None:
        """Do nothing."""


@dataclass
class _Mirrored:
    """What MLflow has of a trial."""

    run_id: str
    n_epochs: int
    ended: bool


class MlflowTracker:
    """Mirrors one study into MLflow.

    Args:
        home: The study's files.
        config: The study.
        created_at: When the study began, ISO 8601: tells it from a deleted one of the same name.
        synthetic: Whether every run is to say that its figures are synthetic.

    Raises:
        TrackingError: MLflow cannot be reached or opened.
    """

    def __init__(
        self, home: StudyHome, config: SearchConfig, created_at: str, *, synthetic: bool
    ) -> None:
        assert isinstance(config.tracking, MlflowTracking)
        self._config = config
        self._created_at = created_at
        self._identity = f"{home.name}@{created_at}"
        self._words = {
            "synthetic": str(synthetic).lower(),
            "corpus": config.corpus.name,
            "mlflow.source.name": "emotion-hpo",
        }
        self._uri = uri = tracking_uri(home, config.tracking)
        try:
            self._client = _client(uri)
            self._experiment = self._open_experiment(home, config.tracking)
            self._parent = self._open_parent()
            self._mirrored = self._read_children()
        except Exception as error:
            raise TrackingError(f"MLflow at {uri} cannot be used: {_first_line(error)}") from error

    def mirror(self, trials: Iterable[Trial]) -> None:
        """Write what MLflow lacks of these trials."""
        try:
            if self._parent.info.status != "RUNNING":  # the study goes on
                self._client.update_run(self._parent.info.run_id, status="RUNNING")
                self._parent = self._client.get_run(self._parent.info.run_id)
            for trial in trials:
                if trial.state is not TrialState.WAITING:
                    self._mirror(trial)
        except Exception as error:
            raise TrackingError(f"MLflow: {_first_line(error)}") from error

    def close(self, summary: Mapping[str, Any]) -> None:
        """End the parent run with the best value and the counts."""
        try:
            parent = self._parent.info.run_id
            for name, value in summary.items():
                if isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                self._client.log_metric(parent, f"study/{name}", float(value))
            if summary.get("best_trial"):
                self._client.set_tag(parent, "best_trial", summary["best_trial"])
            self._client.log_dict(parent, dict(summary), "search.json")
            self._client.set_terminated(parent)
            self._parent = self._client.get_run(parent)
        except Exception as error:
            raise TrackingError(f"MLflow: {_first_line(error)}") from error

    def log_final(
        self, name: str, metrics: Mapping[str, float], tags: Mapping[str, str], folder: FinalHome
    ) -> str | None:
        """Write a run for a final model, a child of the study's run."""
        try:
            run = self._create(name, {"kind": "final", **tags})
            self._log_metrics(run.info.run_id, [(k, v, 0, time.time()) for k, v in metrics.items()])
            for file in (folder.result, folder.predictions, folder.confusion):
                self._client.log_artifact(run.info.run_id, str(file))
            self._log_model(run.info.run_id, folder)
            self._client.set_terminated(run.info.run_id)
            if self._made_parent:  # nobody else would end it
                self._client.set_terminated(self._parent.info.run_id)
        except Exception as error:
            raise TrackingError(f"MLflow: {_first_line(error)}") from error
        return f"experiment {self._config.tracking.experiment!r}, run {name!r}"  # type: ignore[union-attr]

    def _log_model(self, run_id: str, folder: FinalHome) -> None:
        """Log the model with its signature, so that `mlflow.pyfunc` loads and serves it."""
        import mlflow

        from emotion_hpo.predict import Predictor

        mlflow.set_tracking_uri(self._uri)
        with warnings.catch_warnings(), mlflow.start_run(run_id=run_id):
            warnings.simplefilter("ignore")  # MLflow warns of its own examples and type hints
            from emotion_hpo.tracking import model

            mlflow.pyfunc.log_model(
                name="model",
                python_model=str(model.__file__),
                artifacts={"model": str(folder.model)},
                signature=model.signature(Predictor.open(folder.model)),
                pip_requirements=[f"emotion-hpo=={importlib.metadata.version('emotion-hpo')}"],
            )

    def _mirror(self, trial: Trial) -> None:
        known = self._mirrored.get(trial.number) or self._begin(trial)
        if known.ended:
            return
        self._log_epochs(known.run_id, trial.curve[known.n_epochs :])
        known.n_epochs = len(trial.curve)
        if trial.state in _STATUS:
            self._end(known, trial)

    def _begin(self, trial: Trial) -> _Mirrored:
        tags = {"kind": "trial", "trial": str(trial.number)}
        if trial.continues is not None:
            tags["continues"] = f"trial_{trial.continues}"
        run = self._create(trial.name, tags, started_at=trial.started_at)
        self._mirrored[trial.number] = known = _Mirrored(run.info.run_id, 0, ended=False)
        return known

    def _end(self, known: _Mirrored, trial: Trial) -> None:
        from mlflow.entities import Param, RunTag

        tags = {"state": trial.state.value, "worker": trial.worker, "reason": trial.reason}
        self._client.log_batch(
            known.run_id,
            params=[Param(path, _param(value)) for path, value in trial.params.items()],
            tags=[RunTag(name, value) for name, value in tags.items() if value],
        )
        figures = {
            "best/value": trial.value,
            "best/epoch": trial.best_epoch,
            "seconds": trial.seconds,
        }
        at = trial.finished_at or time.time()
        given = [(name, value, 0, at) for name, value in figures.items() if value is not None]
        self._log_metrics(known.run_id, given)
        ended_at = int(1000 * trial.finished_at) if trial.finished_at else None
        self._client.set_terminated(known.run_id, _STATUS[trial.state], ended_at)
        known.ended = True

    def _log_epochs(self, run_id: str, epochs: Iterable[Epoch]) -> None:
        self._log_metrics(
            run_id,
            [
                (name, value, epoch.epoch, epoch.finished_at)
                for epoch in epochs
                for name, value in {**epoch.metrics, "epoch/seconds": epoch.seconds}.items()
            ],
        )

    def _log_metrics(self, run_id: str, figures: list[tuple[str, float, int, float]]) -> None:
        """Write name, value, step and time (seconds since 1970) of each figure."""
        from mlflow.entities import Metric

        rows = [
            Metric(name, float(value), int(1000 * at), step) for name, value, step, at in figures
        ]
        for start in range(0, len(rows), _BATCH):
            self._client.log_batch(run_id, metrics=rows[start : start + _BATCH])

    def _create(self, name: str, tags: Mapping[str, str], started_at: float | None = None) -> "Run":
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        return self._client.create_run(
            self._experiment,
            start_time=int(1000 * started_at) if started_at else None,
            run_name=name,
            tags={
                **self._words,
                **tags,
                "study": self._identity,
                MLFLOW_PARENT_RUN_ID: self._parent.info.run_id,
            },
        )

    def _open_experiment(self, home: StudyHome, tracking: MlflowTracking) -> str:
        experiment = self._client.get_experiment_by_name(tracking.experiment)
        if experiment is not None:
            return str(experiment.experiment_id)
        # MLflow's own default is relative to whatever folder the command was started in.
        folder = home.mlflow_artifacts.resolve().as_uri() if tracking.uri is None else None
        return str(
            self._client.create_experiment(
                tracking.experiment,
                artifact_location=folder,
                tags={
                    "mlflow.experimentKind": "custom_model_development"
                },  # not MLflow's GenAI view
            )
        )

    def _open_parent(self) -> "Run":
        from mlflow.entities import Param

        found = self._search("tags.kind = 'study'")
        self._made_parent = not found
        if found:
            return found[0]
        parent = self._client.create_run(
            self._experiment,
            start_time=_milliseconds(self._created_at),
            run_name=self._config.study.name,
            tags={
                **self._words,
                "kind": "study",
                "study": self._identity,
                "mlflow.note.content": self._config.study.question,
            },
        )
        params = [Param(path, _param(value)) for path, value in flatten(dump(self._config)).items()]
        for start in range(0, len(params), 100):  # MLflow's limit for parameters in one call
            self._client.log_batch(parent.info.run_id, params=params[start : start + 100])
        return parent

    def _read_children(self) -> dict[int, _Mirrored]:
        children = {}
        for run in self._search("tags.kind = 'trial'"):
            history = self._client.get_metric_history(run.info.run_id, "val/loss")
            ended = run.info.status != "RUNNING"
            number = int(run.data.tags["trial"])
            children[number] = _Mirrored(run.info.run_id, len(history), ended)
        return children

    def _search(self, condition: str) -> list["Run"]:
        found: list[Run] = []
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment],
                f"{condition} and tags.study = '{self._identity}'",
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found


def open_tracker(
    home: StudyHome, config: SearchConfig, created_at: str, *, synthetic: bool
) -> Tracker:
    """The tracker that the configuration asks for.

    Raises:
        TrackingError: MLflow cannot be used.
    """
    if isinstance(config.tracking, MlflowTracking):
        return MlflowTracker(home, config, created_at, synthetic=synthetic)
    return NullTracker()


def experiment_id(home: StudyHome, name: str) -> str | None:
    """What MLflow calls an experiment, or None if it has none of that name.

    A database that is not there is made here, for the server's own workers would race for it.

    Raises:
        TrackingError: The file is no such database.
    """
    try:
        found = _client(f"sqlite:///{home.mlflow_database.resolve()}").get_experiment_by_name(name)
    except Exception as error:
        raise TrackingError(
            f"{home.mlflow_database} cannot be opened by MLflow: {_first_line(error)}; restore it "
            "from a copy, or move it away: `emotion-hpo sync` writes a study anew"
        ) from None
    return str(found.experiment_id) if found else None


def serve_ui(home: StudyHome, port: int) -> None:
    """Turn this process into MLflow's server, on the loopback address alone."""
    uri = f"sqlite:///{home.mlflow_database.resolve()}"
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
    """Where MLflow keeps its runs."""
    return tracking.uri or f"sqlite:///{home.mlflow_database.resolve()}"


def _client(uri: str) -> "MlflowClient":
    """A client; on a fresh SQLite file this makes MLflow's tables, which it says at length."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A server that is down is to be noticed while somebody waits: MLflow's own limit is minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def _milliseconds(moment: str) -> int:
    """MLflow's time of an ISO 8601 moment."""
    return int(1000 * datetime.fromisoformat(moment).timestamp())


def _param(value: object) -> str:
    return str(value)[:_LONGEST_PARAM]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
