"""`emotion-hpo sync`: write to MLflow what it lacks of a study."""

from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.output import echo
from emotion_hpo.errors import StudyError
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.finals import find_finals
from emotion_hpo.study.records.base import read_if_there
from emotion_hpo.study.records.search_summary import SearchSummary


class SyncCommand(StudyCommand):
    """`emotion-hpo sync`."""


def run(command: SyncCommand) -> None:
    """Write a study's trials, page and final models to MLflow, as far as they are not there."""
    from emotion_hpo.report import report
    from emotion_hpo.search.coordinator import is_searched
    from emotion_hpo.search.optuna.study import Study
    from emotion_hpo.tracking.tracker import open_tracker

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    if stored.config.tracking.name == "none":
        raise StudyError(f"study {home.name!r} was searched with tracking=none: no MLflow lacks it")
    study = Study(home, stored.config)
    study.requeue_orphans()  # what a killed search left RUNNING is closed in MLflow, too
    trials = study.trials()
    created_at, synthetic = stored.facts.created_at, stored.facts.synthetic
    tracker = open_tracker(home, stored.config, created_at, synthetic=synthetic)
    tracker.mirror(trials)
    if not is_searched(home):
        tracker.close(read_if_there(home.summary, SearchSummary))
    report(home)
    finals = find_finals(home)
    for final in finals:
        tracker.log_final(final)
    tracker.log_report(home.report)
    more = f", {format_count(len(finals), 'final model')}" if finals else ""
    echo(f"MLflow holds study {home.name}: {format_count(len(trials), 'trial')}{more}")
