"""`emotion-hpo search`: run a study or continue it, confirm its leaders, say how to go on."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from emotion_hpo.cli.jobs import job_trainer
from emotion_hpo.config import RowsSplit, SearchConfig
from emotion_hpo.console.output import echo
from emotion_hpo.console.progress import preparing
from emotion_hpo.console.search_result import (
    show_baseline,
    show_confirmation,
    show_ensemble,
    show_front,
    show_next_steps,
    show_search,
    show_verdict,
)
from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome, check_writable, study_file
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.selection import Selection

if TYPE_CHECKING:
    from emotion_hpo.search.coordinator import SearchResult
    from emotion_hpo.search.observers import Observers


class SearchCommand(SearchConfig):
    """`emotion-hpo search`."""

    output: Path | None = Field(description="also write the result there, as JSON")

    @model_validator(mode="after")
    def _no_choice_on_the_test_part(self) -> Self:
        if isinstance(self.split, RowsSplit) and self.split.validation == "test":
            raise ValueError(
                "split.validation: a search that validates on the test part chooses on it; only "
                "`emotion-hpo evaluate test_picked=true` looks there, and chooses nothing"
            )
        return self

    def search(self) -> SearchConfig:
        """Return the study alone."""
        return SearchConfig(**{name: getattr(self, name) for name in SearchConfig.model_fields})


def run(command: SearchCommand) -> None:
    """Run or continue a study, and print what came out and how to go on."""
    result = search_study(command.search(), command.output)
    if result.was_stopped:
        n_open = result.summary.n_trials - result.summary.n_finished
        to_go = f" with {n_open} trials to go" if n_open else ""
        echo(f"Stopped{to_go}; the same command goes on where this one ended.")


def search_study(
    config: SearchConfig, output: Path | None = None, *, shows_next_steps: bool = True
) -> "SearchResult":
    """Search a study and confirm its leaders; return what came out.

    Args:
        config: The study.
        output: Where to write the summary, too.
        shows_next_steps: Whether the commands that a person runs next are printed.

    Raises:
        StudyError: The budget is used up and no trial is complete.
    """
    from emotion_hpo.search import budget
    from emotion_hpo.search.batch import BatchStopped
    from emotion_hpo.search.coordinator import search
    from emotion_hpo.selection.suggestion import suggest

    check_writable(output)
    result = search(config, observers())
    config, summary = result.config, result.summary
    home = StudyHome(config.study.directory, config.study.name)
    if output is not None:
        write_record(output, summary)
    count = budget.format_progress(summary.n_finished, summary.n_trials)
    best = summary.best_trial
    number = None if best is None else int(best.removeprefix("trial_"))
    turns_read = None if number is None else study_file.find_turns_read_by(home, number)
    selection = None
    if not result.was_stopped and summary.best_trial is not None:
        try:
            selection = confirm_leaders(home, config)
        except BatchStopped:
            echo("")
            show_search(summary, count, turns_read)
            return replace(result, was_stopped=True)
        summary = summary.model_copy(update={"confirmed": selection})
        result = replace(result, summary=summary)
        write_record(home.summary, summary)
        if output is not None:
            write_record(output, summary)
    echo("")
    suggestion = suggest(summary, selection)
    if suggestion is not None and not result.was_stopped:
        show_verdict(summary, suggestion)
    show_search(summary, count, turns_read)
    if selection is not None:
        show_confirmation(selection, summary.expected)
    show_front(summary)
    show_baseline(summary)
    echo(f"Results: {home.summary}")
    n_open = summary.n_trials - summary.n_finished
    if not result.was_stopped and n_open:
        is_exhausted = result.is_exhausted
        echo(budget.explain_end(config.study, summary.n_finished, is_exhausted=is_exhausted))
    if result.was_stopped:
        return result
    if summary.best_trial is None:
        raise StudyError(
            f"no trial of study {home.name!r} was completed; the reasons stand in "
            f"{home.path / 'trials'}/*/trial.json"
        )
    assert suggestion is not None, "a trial is complete"
    show_ensemble(summary)
    if shows_next_steps:
        show_next_steps(home, suggestion)
    return result


def observers() -> "Observers":
    """Return a live screen on standard error, and the tracker that the study asks for."""
    from emotion_hpo.console.search import SearchScreen
    from emotion_hpo.search.observers import Observers
    from emotion_hpo.tracking.tracker import background_tracker

    return Observers(preparing, SearchScreen, background_tracker)


def confirm_leaders(home: StudyHome, config: SearchConfig) -> Selection | None:
    """Train the leaders over fresh seeds; None if the study asks for none."""
    from emotion_hpo.selection.confirmation import confirm

    if config.study.confirm_leaders == 0:
        return None
    return confirm(home, config, job_trainer(home, config, "Confirming the leaders"))
