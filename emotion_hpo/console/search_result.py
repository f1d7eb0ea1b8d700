"""What `search` shows when it has ended: the best trial, the confirmed leaders, the next steps."""

from typing import TYPE_CHECKING

from emotion_hpo.config.turns_read import TurnsRead, describe_turns_read
from emotion_hpo.console.make_lines import folder_key, make_line, study_line
from emotion_hpo.console.output import echo
from emotion_hpo.metrics.formatting import format_score, format_score_interval
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.selection.suggestion import BASELINE, ENSEMBLE
from emotion_hpo.study import StudyHome
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection

if TYPE_CHECKING:
    from emotion_hpo.selection.suggestion import Suggestion


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
        f"\nStudy {summary.study}: {count} finished "
        f"({summary.n_complete} complete, {summary.n_pruned} pruned, "
        f"{summary.n_failed} failed) on {summary.n_train} training and "
        f"{summary.n_validation} validation utterances{folds}."
    )
    if (line := _describe_lead(summary)) is not None:
        echo(line, "bold")
    if summary.best_trial is not None and summary.best_params is not None:
        mark = " (synthetic data)" if summary.synthetic else ""
        echo(
            f"Best: {summary.best_trial}, {objective} "
            f"{format_score(objective, summary.best_value)} "
            f"after epoch {summary.best_epoch}{mark}"
        )
        if warning := describe_turns_read(turns_read):
            echo(f"  It {warning}.")
        for path, value in summary.best_params.items():
            text = f"{value:.4g}" if isinstance(value, float) else f"{value}"
            echo(f"  {path:<32} {text}")
    if (expected := summary.expected) is not None:
        ends = format_score_interval(objective, expected.interval)
        echo(
            f"Expected: {objective} {format_score(objective, expected.value)} "
            f"on new utterances (90 % interval {ends}): the best of "
            f"{format_count(expected.n_trials, 'trial')} is best by luck, too. "
            f"{expected.sentence}"
        )


def _describe_lead(summary: SearchSummary) -> str | None:
    """Return a line where the baseline is ahead of what is expected of the best trial."""
    objective, expected = summary.objective, summary.expected
    baseline = summary.baseline.validation.value_of(objective)
    if baseline is None or expected is None:
        return None
    if find_metric(objective).sign * (expected.value - baseline) > 0:
        return None
    return (
        f"The baseline is ahead: {objective} {format_score(objective, baseline)} by "
        f"{summary.baseline.model}; of the best trial "
        f"{format_score(objective, expected.value)} is expected. Look at the features and the "
        "space."
    )


def show_confirmation(selection: Selection) -> None:
    """Print what the leaders reach over fresh seeds, which wins and what is expected of it."""
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
        echo(
            f"  Expected of the winner: {value} (90 % interval {ends}): its mean less what "
            "this choice added, for the same speakers as above."
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


def show_expected(summary: SearchSummary, suggestion: "Suggestion") -> None:
    """Print what is expected of each model that `final` may score, the best first."""
    objective, ensemble = summary.objective, summary.ensemble
    n_members = 0 if ensemble is None else len(ensemble.members)
    names = {
        BASELINE: "the baseline",
        ENSEMBLE: f"the ensemble ({n_members} models in the place of one)",
    }
    sign = find_metric(objective).sign
    ranked = sorted(suggestion.expected.items(), key=lambda item: -sign * item[1])
    if len(ranked) > 1 and suggestion.winner in suggestion.expected:
        values = [f"{names.get(name, name)} {format_score(objective, v)}" for name, v in ranked]
        echo(f"Expected to be best: {', then '.join(values)}.", "bold")


def show_next_steps(home: StudyHome, best: str) -> None:
    """Print the lines that score the better model and that open MLflow."""
    final_line = study_line("final", home, BEST=best)
    ui_line = make_line("ui", folder_key(home))
    width = max(len(final_line), len(ui_line)) + 3
    echo("\nNext:")
    echo(f"  {final_line:<{width}}scores the sealed session, once")
    echo(f"  {ui_line:<{width}}every trial in MLflow")
