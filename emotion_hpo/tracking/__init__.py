"""MLflow as a mirror of studies. No other package imports mlflow.

The truth lies in the study's database and folder. A tracker is shown the trials as they stand and
writes what MLflow does not have yet: one parent run a study, one child run a trial, every epoch's
metrics. It asks MLflow what is there before it writes, so that showing the same trials twice, or to
another process tomorrow, changes nothing. Workers know nothing of it.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from emotion_hpo.config import SearchConfig, dump, fingerprint, flatten
from emotion_hpo.config.search import MlflowTracking
from emotion_hpo.errors import TrackingError
from emotion_hpo.records import (
    Epoch,
    FinalHome,
    ReportHome,
    StudyHome,
    Trial,
    TrialState,
    read_json,
)
from emotion_hpo.tracking.client import (
    experiment_id,
    first_line,
    open_client,
    serve_ui,
    tracking_uri,
)
from emotion_hpo.trials import describe_end

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = [
    "MlflowTracker",
    "NullTracker",
    "Tracker",
    "experiment_id",
    "open_tracker",
    "serve_ui",
    "tracking_uri",
]

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

    def log_report(self, report: ReportHome) -> None:
        """Keep the study's page beside its run."""
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

    def log_report(self, report: ReportHome) -> None:
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
        self._digest = fingerprint(config.corpus)
        self._words = {
            "synthetic": str(synthetic).lower(),
            "corpus": config.corpus.name,
            "mlflow.source.name": "emotion-hpo",
        }
        self._uri = uri = tracking_uri(home, config.tracking)
        try:
            self._client = open_client(uri)
            self._experiment = self._open_experiment(home, config.tracking)
            self._parent = self._open_parent()
            self._mirrored = self._read_children()
        except Exception as error:
            raise TrackingError(f"MLflow at {uri} cannot be used: {first_line(error)}") from error

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
            raise TrackingError(f"MLflow: {first_line(error)}") from error

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
            sizes = {"training": summary.get("n_train"), "validation": summary.get("n_validation")}
            self._log_data(parent, {part: n for part, n in sizes.items() if n is not None})
            self._client.set_terminated(parent)
            self._parent = self._client.get_run(parent)
        except Exception as error:
            raise TrackingError(f"MLflow: {first_line(error)}") from error

    def log_final(
        self, name: str, metrics: Mapping[str, float], tags: Mapping[str, str], folder: FinalHome
    ) -> str | None:
        """Write a run for a final model, a child of the study's run."""
        from emotion_hpo.tracking.final_model import log_model

        result = read_json(folder.result)
        n_train, n_test = result["n_train"], result["n_test"]
        note = (
            f"{result['trial']} trained again on {n_train} utterances, scored on the {n_test} of "
            f"session {result['test_session']}, opened {result['n_scorings']} times."
        )
        try:
            run = self._create(name, {"kind": "final", "mlflow.note.content": note, **tags})
            self._log_metrics(run.info.run_id, [(k, v, 0, time.time()) for k, v in metrics.items()])
            for file in (folder.result, folder.predictions, folder.confusion):
                self._client.log_artifact(run.info.run_id, str(file))
            self._log_data(run.info.run_id, {"training": n_train, "test": n_test})
            place = "of several trials: not registered"
            if folder.model.exists():  # an ensemble's members lie in their trials' folders
                study = self._config.study.name
                place = log_model(self._client, self._uri, run.info.run_id, folder.model, study)
            self._client.set_terminated(run.info.run_id)
            if self._made_parent:  # nobody else would end it
                self._client.set_terminated(self._parent.info.run_id)
        except Exception as error:
            raise TrackingError(f"MLflow: {first_line(error)}") from error
        experiment = self._config.tracking.experiment  # type: ignore[union-attr]
        return f"experiment {experiment!r}, run {name!r}, model {place}"

    def log_report(self, report: ReportHome) -> None:
        """Write the study's page and its figures into the study's run."""
        try:
            parent = self._parent.info.run_id
            self._client.log_artifact(parent, str(report.page), "report")
            for figure in sorted(report.figure("any", "png").parent.glob("*.png")):
                self._client.log_artifact(parent, str(figure), "report/figures")
        except Exception as error:
            raise TrackingError(f"MLflow: {first_line(error)}") from error

    def _log_data(self, run_id: str, sizes: Mapping[str, int]) -> None:
        """Say which parts of the corpus a run read, once."""
        from emotion_hpo.tracking.datasets import dataset_input

        if self._client.get_run(run_id).inputs.dataset_inputs:
            return
        synthetic = self._words["synthetic"] == "true"
        inputs = [
            dataset_input(self._config.corpus.name, self._digest, part, n, synthetic=synthetic)
            for part, n in sizes.items()
        ]
        self._client.log_inputs(run_id, inputs)

    def _mirror(self, trial: Trial) -> None:
        known = self._mirrored.get(trial.number) or self._begin(trial)
        if known.ended:
            return
        self._log_epochs(known.run_id, trial.curve[known.n_epochs :], known.n_epochs + 1)
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

        tags = {
            "state": trial.state.value,
            "worker": trial.worker,
            "reason": trial.reason,
            "mlflow.note.content": self._note(trial),
        }
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

    def _note(self, trial: Trial) -> str:
        """A trial in a sentence."""
        words = f"{describe_end(trial)} after {len(trial.curve)} epochs"
        if trial.value is not None:
            objective = self._config.study.objective
            words += f"; {objective} {trial.value:.4f} at epoch {trial.best_epoch}"
        return f"{words}; proposed by sampler {self._config.sampler.name}."

    def _log_epochs(self, run_id: str, epochs: Iterable[Epoch], first_step: int) -> None:
        """A step is an epoch, counted over all of a trial's trainings."""
        self._log_metrics(
            run_id,
            [
                (name, value, step, epoch.finished_at)
                for step, epoch in enumerate(epochs, first_step)
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


def _milliseconds(moment: str) -> int:
    """MLflow's time of an ISO 8601 moment."""
    return int(1000 * datetime.fromisoformat(moment).timestamp())


def _param(value: object) -> str:
    return str(value)[:_LONGEST_PARAM]
