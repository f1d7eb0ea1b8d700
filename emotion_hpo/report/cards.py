"""The cards at a page's head: what a reader of a study looks for first."""

from collections.abc import Iterable

from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.metrics.registry import METRICS, find_metric
from emotion_hpo.report.document import Card
from emotion_hpo.report.findings import Final, Findings
from emotion_hpo.report.formatting import format_ends, format_times
from emotion_hpo.report.scorings import list_scorings
from emotion_hpo.report.style import format_objective
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.selection.suggestion import suggest
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.study.expected_score import ExpectedScore, list_expected_scores
from emotion_hpo.study.records.final_result import ExpectedAndTest


def study_cards(findings: Findings) -> list[Card]:
    """Return what a reader looks for first: the answer, then what it rests on."""
    objective, best = findings.objective, findings.best
    cards = [] if findings.final is None else [_test_card(findings, findings.final)]
    if (expected := _expected_of_what_is_scored(findings)) is not None:
        ends, origin = format_ends(expected.interval, objective), expected.interval.origin
        note = f"{expected.winner}; 90 %: {ends}, by {origin}; corrected for the choice"
        cards.append(
            Card("expected on new utterances", format_score(objective, expected.value), note)
        )
    if best is not None:
        note = f"{best.name}; the best of many, so it looks better than it is"
        if reading := findings.describe_turns_read_by(best):
            note += f"; {reading}"
        label = f"best {format_objective(objective)}"
        cards.append(Card(label, format_score(objective, best.value), note))
    if findings.baseline is not None:
        value = findings.baseline.validation.value_of(objective)
        label = f"baseline, {format_objective(objective)}"
        note = findings.baseline.model
        if (alone := findings.baseline.alone) is not None:
            note += f"; without them {format_score(objective, alone.value_of(objective))}"
        cards.append(Card(label, format_score(objective, value), note))
    n_finished = sum(trial.state.is_finished for trial in findings.trials)
    n_trials = findings.config.study.n_trials
    count = f"{n_finished} of {n_trials}" if n_finished <= n_trials else str(n_finished)
    return [*cards, Card("trials finished", count, _states(findings.trials))]


def _expected_of_what_is_scored(findings: Findings) -> ExpectedScore | ExpectedAndTest | None:
    """Return what was expected of the model that was scored, or is of the one that will be.

    None where nothing is: of the baseline its validation value stands in a card of its own.
    """
    if findings.final is not None:
        return findings.final.result.expected
    summary = findings.summary
    suggestion = None if summary is None else suggest(summary, findings.selection)
    if summary is None or suggestion is None:
        return None
    scores = list_expected_scores(summary, findings.selection)
    return next((score for score in scores if score.winner == suggestion.best), None)


def _test_card(findings: Findings, final: Final) -> Card:
    """Return the test accuracy, with its interval and the metric that was searched for."""
    result = final.result
    interval, scored = result.accuracy_interval, result.by_metric()
    metric = find_metric(findings.objective)
    if metric.name == "accuracy" or metric.name not in scored:
        metric = METRICS["uar"]
    n = len(list_scorings(findings))
    often = f"; the session was scored {format_times(n)}" if n > 1 else ""
    beside = f"{metric.label} {format_score(metric.name, scored[metric.name][0])}"
    note = f"{result.trial}; 95 %: {format_ends(interval)}, by {interval.origin}; {beside}{often}"
    if reading := describe_turns_read(result.turns_read):
        note += f"; it {reading}"
    return Card("test accuracy", format_share(result.accuracy), note)


def _states(trials: Iterable[Trial]) -> str:
    states = [trial.state for trial in trials]
    counted = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)
    return ", ".join(f"{states.count(state)} {state.value}" for state in counted)
