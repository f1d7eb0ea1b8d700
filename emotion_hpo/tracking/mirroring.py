"""A study in MLflow: a parent run, a child run a trial and a final model, every epoch's metrics.

It asks MLflow what is there before it writes, so that showing the same trials twice, or to another
process tomorrow, changes nothing. What an epoch took of the machine is written as MLflow's system
metrics: its own sampler cannot run beside trainings that it hears of afterwards.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from filelock import FileLock

from emotion_hpo.config import SearchConfig, dump, fingerprint, flatten
from emotion_hpo.config.tracking import MlflowTracking
from emotion_hpo.errors import TrackingError
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import Epoch, FinalHome, ReportHome, StudyHome, Trial, TrialState
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.trials import describe_end
from emotion_hpo.tracking.client import first_line, open_client, tracking_uri
from emotion_hpo.tracking.final_run import describe_version, metrics_of, tags_of
from emotion_hpo.tracking.runs import MetricPoint, StudyRuns, open_experiment

if TYPE_CHECKING:
    from mlflow.entities import Run

_STATUS = {
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.INTERRUPTED: "KILLED",
}


@dataclass
class _Mirrored:
    """A trial's run in MLflow, and how much of it is there."""

    run_id: str
    n_epochs: int
    ended: bool


class MlflowTracker:
    """Mirrors one study into MLflow.

    Args:
        home: The study's files.
        config: The study.
        created_at: When the study began, ISO 8601: tells it from a deleted one of the same name.
        synthetic: Whether every run is to say that its scores are synthetic.

    Raises:
        TrackingError: MLflow cannot be reached or opened.
    """

    def __init__(
        self, home: StudyHome, config: SearchConfig, created_at: str, *, synthetic: bool
    ) -> None:
        assert isinstance(config.tracking, MlflowTracking)
        self._config = config
        self._making = FileLock(home.mirror)
        self._synthetic = synthetic
        self._digest = fingerprint(config.without_places()["corpus"])
        self._uri = uri = tracking_uri(home, config.tracking)
        tags = {
            "synthetic": str(synthetic).lower(),
            "corpus": config.corpus.name,
            "mlflow.source.name": "emotion-hpo",
        }
        try:
            self._client = open_client(home, uri)
            experiment = open_experiment(self._client, home, config.tracking)
            identity = f"{home.name}@{created_at}"
            self._runs = StudyRuns(self._client, experiment, identity, tags)
            self._parent = self._open_parent(datetime.fromisoformat(created_at).timestamp())
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

    def close(self, summary: SearchSummary | None) -> None:
        """End the parent run, with the best value and the counts of a search that has ended."""
        try:
            parent = self._parent.info.run_id
            if summary is not None:
                self._log_summary(parent, summary)
            self._client.set_terminated(parent)
            self._parent = self._client.get_run(parent)
        except Exception as error:
            raise TrackingError(f"MLflow: {first_line(error)}") from error

    def _log_summary(self, run_id: str, summary: SearchSummary) -> None:
        for name, value in summary:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and name != "version":
                self._client.log_metric(run_id, f"study/{name}", float(value))
        self._runs.tag(run_id, {"best_trial": summary.best_trial})
        self._client.log_dict(run_id, summary.to_json(), "search.json")
        sizes = {"training": summary.n_train, "validation": summary.n_validation}
        self._log_data(run_id, sizes)

    def log_final(self, folder: FinalHome) -> str | None:
        """Write a run for a final model, a child of the study's run, where there is none yet."""
        result = read_record(folder.result, FinalResult)
        name = f"final {result.trial}"
        try:
            if not self._has_final(result):
                self._write_final(name, result, folder)
        except Exception as error:
            raise TrackingError(f"MLflow: {first_line(error)}") from error
        experiment = self._config.tracking.experiment  # type: ignore[union-attr]
        model = f"models:/{self._config.study.name}@best"
        return f"experiment {experiment!r}, run {name!r}, model {model}"

    def _has_final(self, result: FinalResult) -> bool:
        """Return whether this scoring has its run; delete one that is not whole."""
        for run in self._runs.search(f"tags.kind = 'final' and tags.opening = '{result.opening}'"):
            if run.info.status == "FINISHED":
                return True
            self._client.delete_run(run.info.run_id)
        return False

    def _write_final(self, name: str, result: FinalResult, folder: FinalHome) -> None:
        from emotion_hpo.tracking.final_model import log_model

        run = self._runs.create(name, tags_of(result), parent=self._parent)
        run_id, now = run.info.run_id, time.time()
        points = [(metric, value, 0, now) for metric, value in metrics_of(result).items()]
        self._runs.log_metrics(run_id, points)
        for file in (folder.result, folder.predictions, folder.confusion):
            if file.exists():
                self._client.log_artifact(run_id, str(file))
        self._log_data(run_id, {"training": result.n_train, "test": result.n_test})
        if folder.model.exists():  # of an ensemble, earlier versions stored but its members
            study = self._config.study.name
            log_model(
                self._client, self._uri, run_id, folder.model, study, describe_version(result)
            )
        self._client.set_terminated(run_id)
        if self._made_parent:  # nobody else would end it
            self._client.set_terminated(self._parent.info.run_id)

    def log_report(self, report: ReportHome) -> None:
        """Write the study's page and its figures into the study's run."""
        try:
            parent = self._parent.info.run_id
            self._client.log_artifact(parent, str(report.page), "report")
            for figure in sorted(report.figure("any", "png").parent.glob("*.png")):
                self._client.log_artifact(parent, str(figure), "report/figures")
            place = f"#/experiments/{self._parent.info.experiment_id}/runs/{parent}/artifacts"
            question = self._config.study.question
            note = f"{question}\n\n[Report]({place}/report/{report.page.name})"
            self._client.set_tag(parent, "mlflow.note.content", note)
        except Exception as error:
            raise TrackingError(f"MLflow: {first_line(error)}") from error

    def _log_data(self, run_id: str, sizes: Mapping[str, int]) -> None:
        """Log which parts of the corpus a run read, once."""
        from emotion_hpo.tracking.datasets import dataset_input

        if self._client.get_run(run_id).inputs.dataset_inputs:
            return
        inputs = [
            dataset_input(
                self._config.corpus.name, self._digest, part, n, synthetic=self._synthetic
            )
            for part, n in sizes.items()
        ]
        self._client.log_inputs(run_id, inputs)

    def _mirror(self, trial: Trial) -> None:
        known = self._mirrored.get(trial.number) or self._begin(trial)
        if known.ended:
            return
        new = trial.curve[known.n_epochs :]
        self._runs.log_metrics(known.run_id, _epoch_metrics(new, known.n_epochs + 1))
        known.n_epochs = len(trial.curve)
        if trial.state in _STATUS:
            self._end(known, trial)

    def _begin(self, trial: Trial) -> _Mirrored:
        with self._making:  # a `sync` beside a search shows the same trials
            made = self._runs.search(f"tags.kind = 'trial' and tags.trial = '{trial.number}'")
            known = self._read_child(made[0]) if made else self._make_child(trial)
        self._mirrored[trial.number] = known
        return known

    def _make_child(self, trial: Trial) -> _Mirrored:
        tags = {"kind": "trial", "trial": str(trial.number)}
        if trial.continues is not None:
            tags["continues"] = f"trial_{trial.continues}"
        run = self._runs.create(trial.name, tags, parent=self._parent, started_at=trial.started_at)
        return _Mirrored(run.info.run_id, 0, ended=False)

    def _end(self, known: _Mirrored, trial: Trial) -> None:
        self._runs.log_params(known.run_id, trial.params)
        self._runs.tag(
            known.run_id,
            {
                "state": trial.state.value,
                "worker": trial.worker,
                "reason": trial.reason,
                "mlflow.note.content": self._note(trial),
            },
        )
        metrics = {
            "best/value": trial.value,
            "best/epoch": trial.best_epoch,
            f"best/{self._config.study.second_objective}": trial.cost,
            "seconds": trial.seconds,
        }
        at = trial.finished_at or time.time()
        points = [(name, value, 0, at) for name, value in metrics.items() if value is not None]
        self._runs.log_metrics(known.run_id, points)
        ended_at = int(1000 * trial.finished_at) if trial.finished_at else None
        self._client.set_terminated(known.run_id, _STATUS[trial.state], ended_at)
        known.ended = True

    def _note(self, trial: Trial) -> str:
        """Describe a trial in a sentence."""
        note = f"{describe_end(trial)} after {format_count(len(trial.curve), 'epoch')}"
        if trial.value is not None:
            objective = self._config.study.objective
            note += f"; {objective} {trial.value:.4f} at epoch {trial.best_epoch}"
        return f"{note}; proposed by sampler {self._config.sampler.name}."

    def _open_parent(self, began_at: float) -> "Run":
        with self._making:
            runs = self._runs.search("tags.kind = 'study'")
            self._made_parent = not runs
            if runs:
                return runs[0]
            tags = {"kind": "study", "mlflow.note.content": self._config.study.question}
            parent = self._runs.create(self._config.study.name, tags, started_at=began_at)
        self._runs.log_params(parent.info.run_id, flatten(dump(self._config)))
        return parent

    def _read_children(self) -> dict[int, _Mirrored]:
        runs = self._runs.search("tags.kind = 'trial'")
        return {int(run.data.tags["trial"]): self._read_child(run) for run in runs}

    def _read_child(self, run: "Run") -> _Mirrored:
        history = self._client.get_metric_history(run.info.run_id, "val/loss")
        return _Mirrored(run.info.run_id, len(history), ended=run.info.status != "RUNNING")


def _epoch_metrics(epochs: Iterable[Epoch], first_step: int) -> Iterator[MetricPoint]:
    """Yield the metrics of epochs; a step is an epoch, counted over all of a trial's trainings."""
    for step, epoch in enumerate(epochs, first_step):
        usage = {f"system/{name}": value for name, value in epoch.usage.items()}
        for name, value in {**epoch.metrics, "epoch/seconds": epoch.seconds, **usage}.items():
            yield name, value, step, epoch.finished_at
