"""The runs of one study in MLflow: searched, created and written within MLflow's limits."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from emotion_hpo.config.tracking import MlflowTracking
from emotion_hpo.runtime.naming import escaped
from emotion_hpo.study import StudyHome

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

#: MLflow refuses longer values.
_LONGEST_PARAM = 6000

#: MLflow takes at most this many metrics in one call, and this many parameters.
_METRICS_AT_ONCE, _PARAMS_AT_ONCE = 1000, 100

#: Name, value, step and time (seconds since 1970) of a metric.
MetricPoint = tuple[str, float, int, float]


class StudyRuns:
    """What MLflow holds of a study.

    Args:
        client: MLflow's.
        experiment: Its id there.
        identity: Tells the study from a deleted one of the same name.
        tags: Of every run.
    """

    def __init__(
        self, client: "MlflowClient", experiment: str, identity: str, tags: Mapping[str, str]
    ) -> None:
        self._client = client
        self._experiment = experiment
        self._tags = {**tags, "study": identity}

    def search(self, condition: str) -> list["Run"]:
        """Return the study's runs that fulfil a condition."""
        runs: list[Run] = []
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment],
                f"{condition} and tags.study = '{self._tags['study']}'",
                page_token=token,
            )
            runs += page
            token = page.token
            if not token:
                return runs

    def create(
        self,
        name: str,
        tags: Mapping[str, str],
        *,
        parent: "Run | None" = None,
        started_at: float | None = None,
    ) -> "Run":
        """Create a run, below a parent or alone."""
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        below = {MLFLOW_PARENT_RUN_ID: parent.info.run_id} if parent is not None else {}
        return self._client.create_run(
            self._experiment,
            start_time=int(1000 * started_at) if started_at else None,
            run_name=name,
            tags={**self._tags, **tags, **below},
        )

    def log_params(self, run_id: str, params: Mapping[str, object]) -> None:
        """Write parameters by names that MLflow takes, cut to the length that it takes."""
        from mlflow.entities import Param

        rows = [Param(escaped(path), str(value)[:_LONGEST_PARAM]) for path, value in params.items()]
        for start in range(0, len(rows), _PARAMS_AT_ONCE):
            self._client.log_batch(run_id, params=rows[start : start + _PARAMS_AT_ONCE])

    def log_metrics(self, run_id: str, points: Iterable[MetricPoint]) -> None:
        """Write metrics."""
        from mlflow.entities import Metric

        rows = [
            Metric(name, float(value), int(1000 * at), step) for name, value, step, at in points
        ]
        for start in range(0, len(rows), _METRICS_AT_ONCE):
            self._client.log_batch(run_id, metrics=rows[start : start + _METRICS_AT_ONCE])

    def tag(self, run_id: str, tags: Mapping[str, str | None]) -> None:
        """Write tags that have a value."""
        from mlflow.entities import RunTag

        given = [RunTag(name, value) for name, value in tags.items() if value]
        self._client.log_batch(run_id, tags=given)


def open_experiment(client: "MlflowClient", home: StudyHome, tracking: MlflowTracking) -> str:
    """Return the id of the experiment that holds all studies; make it where it is not there."""
    experiment = client.get_experiment_by_name(tracking.experiment)
    if experiment is not None:
        return str(experiment.experiment_id)
    # MLflow's own default is relative to whatever folder the command was started in.
    folder = home.mlflow_artifacts.resolve().as_uri() if tracking.uri is None else None
    kind = {"mlflow.experimentKind": "custom_model_development"}  # not MLflow's GenAI view
    made = client.create_experiment(tracking.experiment, artifact_location=folder, tags=kind)
    return str(made)
