"""`emotion-hpo status`: say how far a study is, from any terminal."""

from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.search import show_status
from emotion_hpo.study import StudyHome, TrialState, study_file, write_json


class StatusCommand(StudyCommand):
    """`emotion-hpo status`."""


def run(command: StatusCommand) -> None:
    """Print how far a study is."""
    from emotion_hpo.search.optuna.study import Study

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    trials = Study(home, stored.config).trials()
    show_status(stored.config, trials, synthetic=stored.facts.synthetic)
    if command.output is not None:
        n_finished = sum(trial.state.is_finished for trial in trials)
        running = [trial.name for trial in trials if trial.state is TrialState.RUNNING]
        write_json(command.output, {"n_finished": n_finished, "running": running})
