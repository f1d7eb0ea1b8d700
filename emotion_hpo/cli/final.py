"""`emotion-hpo final`: retrain a trial, score the holdout once, show and publish the result."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from emotion_hpo.cli.jobs import job_trainer, with_launcher
from emotion_hpo.cli.stored_study import read_study
from emotion_hpo.config import build
from emotion_hpo.config.base import Section
from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.config.tracking import TrackingConfig
from emotion_hpo.console.final import show_final
from emotion_hpo.console.make_lines import make_line, study_line
from emotion_hpo.console.output import echo, note
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import StudyError, TrackingError
from emotion_hpo.study import StudyHome, check_writable
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.study_file import StudyFile


class FinalCommand(StudyCommand):
    """`emotion-hpo final`."""

    tracking: Any
    launcher: Any
    storage: Any
    best: str | None
    rescore: bool
    rule: Literal["greedy", "average", "weighted", "maximum_confidence"] = Field(
        "greedy", description="of best=ensemble: how trials are chosen and combined"
    )
    n_members: int = Field(5, ge=2, description="of best=ensemble: at most so many trials")
    words: Path | None = Field(
        None,
        description="CSV of recognised words, as `emotion-hpo transcribe` writes it: also what the "
        "model reaches by these",
    )
    paper_protocol: bool = Field(
        False, description="also the reference's figure, the best epoch on the test session"
    )


class UnpublishedError(StudyError):
    """A result is stored, but could not be shown, reported or logged as well."""

    def __init__(self, message: str, result: FinalResult) -> None:
        super().__init__(message)
        self.result = result


class _TrackingChoice(Section):
    """Where to mirror the result, if that is not where the study was mirrored."""

    tracking: TrackingConfig


def run(command: FinalCommand, requested: Mapping[str, Any]) -> None:
    """Retrain a trial, score the holdout, and print where everything is."""
    from emotion_hpo.search.batch import BatchStopped

    try:
        score(command, requested)
    except BatchStopped as stopped:
        echo(str(stopped))


def score(command: FinalCommand, requested: Mapping[str, Any]) -> FinalResult:
    """Retrain a trial or an ensemble, score the holdout, publish the result and return it.

    Args:
        command: What to train.
        requested: Path → value that the command line sets of the study's configuration.

    Raises:
        BatchStopped: The user stopped the retraining.
        UnpublishedError: A step after the scoring failed.
    """
    from emotion_hpo.final.scoring import Ensemble, final

    home = StudyHome(command.study.directory, command.study.name)
    stored = read_study(home, requested)
    check_writable(command.output)
    if any(path.split(".")[0] == "tracking" for path in requested):
        tracking = build(_TrackingChoice, {"tracking": command.tracking}).tracking
        stored = replace(stored, config=stored.config.model_copy(update={"tracking": tracking}))
    config = with_launcher(stored.config, vars(command), requested)
    with preparing(f"Preparing {stored.config.corpus.name}") as on_features:
        result = final(
            home,
            command.best,
            rescore=command.rescore,
            on_features=on_features,
            train=job_trainer(home, config, "Retraining"),
            ensemble=Ensemble(command.rule, command.n_members),
            is_paper_protocol=command.paper_protocol,
            recognised=command.words,
            on_note=note,
        )
    publish(home, stored, result, command.output)
    return result


def publish(home: StudyHome, stored: StudyFile, result: FinalResult, output: Path | None) -> None:
    """Copy, show, report and log a result that is stored; a step that fails stops no other one.

    Raises:
        UnpublishedError: Of every step that failed: the holdout is scored, and must not be for
            their sake once more.
    """
    from emotion_hpo.report import report

    folder = home.final(result.trial)
    report_line, sync_line = study_line("report", home), study_line("sync", home)
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "written to output": (
            lambda: write_record(output, result) if output is not None else None,
            f"copy {folder.result}",
        ),
        "shown": (lambda: _show(home, result), f"{folder.result} holds it"),
        "reported": (lambda: echo(f"Report:      {report(home)}"), f"`{report_line}` makes it up"),
        "logged in MLflow": (
            lambda: _log_final(home, stored, result),
            f"`{sync_line}` makes it up",
        ),
    }
    failures: list[str] = []
    closed_pipe: BrokenPipeError | None = None
    for what, (step, remedy) in steps.items():
        try:
            step()
        except BrokenPipeError as error:  # whoever read along has seen enough
            closed_pipe = error
        except Exception as error:  # whatever it is, the other steps go on
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            failures.append(f"it could not be {what}: {remedy} ({reason})")
    if closed_pipe is not None and not failures:
        raise closed_pipe
    if failures:
        raise UnpublishedError(
            f"{result.trial} is scored and its result is stored in {folder.result}, but "
            + "; ".join(failures),
            result,
        )


def _show(home: StudyHome, result: FinalResult) -> None:
    """Print the scores and where the files are."""
    folder = home.final(result.trial)
    show_final(result)
    echo(f"\nModel:       {folder.model}\nResult:      {folder.result}")
    echo(f"Predictions: {folder.predictions}\nConfusion:   {folder.confusion}")
    echo(f"Ledger:      {home.ledger}")
    echo(f"Try it:      {make_line('demo', {'model': folder.model})}")


def _log_final(home: StudyHome, stored: StudyFile, result: FinalResult) -> None:
    """Log the final model in MLflow; note what to do where MLflow is away."""
    from emotion_hpo.tracking.tracker import open_tracker

    created_at, synthetic = stored.facts.created_at, result.synthetic
    try:
        tracker = open_tracker(home, stored.config, created_at, synthetic=synthetic)
        place = tracker.log_final(home.final(result.trial))
        tracker.log_report(home.report)
    except TrackingError as error:
        line = study_line("sync", home)
        note(f"{error}; the study's own files hold everything, `{line}` writes it")
        return
    if place:
        echo(f"MLflow:      {place}")
