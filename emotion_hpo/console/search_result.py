"""What `search` shows when it has ended: the best trial, the confirmed leaders, the next steps."""

from typing import TYPE_CHECKING

from emotion_hpo.config.turns_read import TurnsRead, describe_turns_read
from emotion_hpo.console.make_lines import folder_key, make_line, study_line
from emotion_hpo.console.output import echo
from emotion_hpo.metrics.formatting import format_score, format_score_interval
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.study import StudyHome
from emotion_hpo.study.records.search_summary import SearchedScore, SearchSummary
from emotion_hpo.study.records.selection import Selection

if TYPE_CHECKING:
    from emotion_hpo.selection.suggestion import Suggestion


def show_verdict(summary: SearchSummary, suggestion: "Suggestion") -> None:
    """Print which model `final` takes, and by how much it is ahead of the others.

    Nothing where there is no choice: nothing is expected of the winner, or a front decides.
    """
    if not suggestion.is_choice:
        return
    ahead = f"{suggestion.describe_expected()} expected, which `make final` takes"
    advice = ""
    if suggestion.best == BASELINE:
        echo(f"The baseline is ahead: {ahead} ({summary.baseline.model}).", "bold")
        advice = " Look at the features and the space."
    else:
        echo(f"Ahead is {suggestion.describe(suggestion.best)}: {ahead}.", "bold")
    if others := suggestion.describe_others():
        echo(f"Beside it: {others}.{advice}")


def show_search(summary: SearchSummary, count: str, turns_read: TurnsRead | None = None) -> None:
    """Print how many trials have finished, the best one and its expected score.

    Args:
        summary: What the search came to.
        count: How many trials have finished, of how many.
        turns_read: What the best trial's model reads beside an utterance.
    """
    n_folds, objective = summary.n_folds, summary.objective
    folds = f" over {n_folds} folds (training: the mean of one)" if n_folds > 1 else ""
    echo(
        f"Study {summary.study}: {count} finished "
        f"({summary.n_complete} complete, {summary.n_pruned} pruned, "
        f"{summary.n_failed} failed) on {summary.n_train} training and "
        f"{summary.n_validation} validation utterances{folds}."
    )
    if summary.best_trial is not None and summary.best_params is not None:
        mark = " (synthetic data)" if summary.synthetic else ""
        echo(
            f"Best: {summary.best_trial}, {objective} "
            f"{format_score(objective, summary.best_value)} "
            f"after epoch {summary.best_epoch}{mark}"
        )
        if reading := describe_turns_read(turns_read):
            echo(f"  It {reading}.")
        for path, value in summary.best_params.items():
            text = f"{value:.4g}" if isinstance(value, float) else f"{value}"
            echo(f"  {path:<32} {text}")
    confirmed = summary.confirmed is not None and summary.confirmed.expected is not None
    if (expected := summary.expected) is not None and not confirmed:
        ends = format_score_interval(objective, expected.interval)
        luck = ""
        if expected.n_trials > 1:
            n_trials = format_count(expected.n_trials, "trial")
            luck = f": the best of {n_trials} is best by luck, too"
        echo(
            f"Expected: {objective} {format_score(objective, expected.value)} "
            f"on new utterances (90 % interval {ends}){luck}. {expected.sentence}"
        )


def show_confirmation(selection: Selection, searched: SearchedScore | None) -> None:
    """Print what the leaders reach over fresh seeds, which wins and what is expected of it.

    Args:
        selection: The confirmation.
        searched: What the search expects, which says of whom that holds.
    """
    objective, mean_of_winner = selection.objective, selection.value
    seeds = format_count(selection.n_seeds, "fresh seed")
    echo(f"Confirmed over {seeds}, on the same validation part (more: study.confirm_leaders, "
        "study.confirm_seeds):")  # fmt: skip
    for candidate in selection.candidates:
        kind = " (the default configuration)" if candidate.is_default else ""
        times = "on average" if len(candidate.values) > 1 else "of one training"
        mark = "  <- winner" if candidate.trial == selection.winner else ""
        echo(
            f"  {candidate.trial}{kind}: {format_score(objective, candidate.mean)} {times}, "
            f"{candidate.n_parameters:,} parameters{mark}"
        )
    if (baseline := selection.baseline) is not None:
        is_beaten = find_metric(objective).sign * (mean_of_winner - baseline) > 0
        hint = "" if is_beaten else "  <- no trial is better"
        echo(f"  baseline: {format_score(objective, baseline)}; it has no seed{hint}")
    if selection.standard_error:
        echo(
            f"  Within one standard error ({100 * selection.standard_error:.2f} points) of "
            "the best, the one with fewest parameters wins."
        )
    if (expected := selection.expected) is not None:
        ends = format_score_interval(objective, expected.interval)
        value = format_score(objective, expected.value)
        audience = "" if searched is None else f" {searched.sentence}"
        echo(
            f"  Expected of the winner: {value} (90 % interval {ends}): its mean less what "
            f"this choice added.{audience}"
        )


def show_front(summary: SearchSummary) -> None:
    """Print the Pareto front of a study with two objectives."""
    objective, second = summary.objective, summary.second_objective
    if second is not None:
        echo(f"Pareto front of {objective} and {second}:")
    for point in summary.front:
        value = format_score(objective, point.value)
        echo(f"  {point.trial:<12} {value:>8}  {point.cost:>12,.6g} {second}")


def show_baseline(summary: SearchSummary) -> None:
    """Print the score of the baseline on the validation part."""
    objective, baseline = summary.objective, summary.baseline
    value = format_score(objective, baseline.validation.value_of(objective))
    alone = ""
    if baseline.alone is not None:
        alone = format_score(objective, baseline.alone.value_of(objective))
        alone = f"; without the turns before {alone}"
    parts = " and ".join(baseline.parts)
    echo(f"Baseline: {objective} {value} ({baseline.model} on {parts}){alone}")


def show_ensemble(summary: SearchSummary) -> None:
    """Print what the ensemble is made of, and what is expected of it."""
    ensemble, objective = summary.ensemble, summary.objective
    if ensemble is None:
        return
    members = ", ".join(
        f"{100 * member.weight:.0f} % {member.trial}" for member in ensemble.members
    )
    ends = format_score_interval(objective, ensemble.interval)
    echo(
        f"Ensemble of {members}: expected {objective} {format_score(objective, ensemble.value)} "
        f"(90 % interval {ends}), its {format_score(objective, ensemble.plain)} on these "
        f"utterances less what choosing it from {ensemble.n_trials} models added."
    )


def show_next_steps(home: StudyHome, suggestion: "Suggestion") -> None:
    """Print the lines that score what is expected to be best, and that open MLflow."""
    final_line, best = study_line("final", home), suggestion.describe(suggestion.best)
    ui_line = make_line("ui", folder_key(home))
    width = max(len(final_line), len(ui_line)) + 3
    echo("\nNext:")
    echo(f"  {final_line:<{width}}retrains {best}, scores the sealed session, once")
    echo(f"  {ui_line:<{width}}every trial in MLflow")
