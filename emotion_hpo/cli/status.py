"""`emotion-hpo status`: say how far a study is, from any terminal, once or until it ends."""

import time

from pydantic import Field

from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.search import SearchScreen, show_status
from emotion_hpo.study import StudyHome, TrialState, study_file, write_json

#: Seconds between two looks at a study's storage.
_LOOK_EVERY_S = 2.0

#: Whoever watches a search that was stopped would wait without knowing.
_IDLE = "no trial is running; if the search has stopped, the same `make search` goes on"


class StatusCommand(StudyCommand):
    """`emotion-hpo status`."""

    watch: bool = Field(description="go on until the study has all its trials, or Ctrl-C")


def run(command: StatusCommand) -> None:
    """Print how far a study is."""
    from emotion_hpo.search.budget import is_spent
    from emotion_hpo.search.optuna.study import Study

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    study = Study(home, stored.config)
    trials = study.trials()
    if command.watch:
        with SearchScreen(stored.config, trials, synthetic=stored.facts.synthetic) as screen:
            while not is_spent(stored.config, trials):
                is_idle = not any(trial.state is TrialState.RUNNING for trial in trials)
                screen.show(trials, _IDLE if is_idle else "")
                time.sleep(_LOOK_EVERY_S)
                trials = study.trials()
            screen.show(trials)
    show_status(stored.config, trials, synthetic=stored.facts.synthetic)
    if command.output is not None:
        n_finished = sum(trial.state.is_finished for trial in trials)
        running = [trial.name for trial in trials if trial.state is TrialState.RUNNING]
        write_json(command.output, {"n_finished": n_finished, "running": running})
