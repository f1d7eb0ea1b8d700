"""The page of one study: which sections it has, in which order, and what they say."""

from collections.abc import Iterable

from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.metrics.registry import METRICS, find_metric
from emotion_hpo.report.checklist import checklist_table
from emotion_hpo.report.cost_plots import cost_plot, front_plot, front_table
from emotion_hpo.report.document import Card, Listing, Page, PageSection, Table, Text
from emotion_hpo.report.final_plots import (
    against_baseline_plot,
    breakdown_plot,
    confusion_plot,
    recall_plot,
)
from emotion_hpo.report.final_tables import (
    baseline_table,
    breakdown_table,
    final_table,
    latency_sentence,
    recall_table,
)
from emotion_hpo.report.formatting import format_ends, format_times, interval_method
from emotion_hpo.report.honesty import (
    confirmation_blocks,
    confirmed_text,
    ensemble_text,
    expected_against_test_text,
    expected_text,
    reference_table,
    reliability_plot,
)
from emotion_hpo.report.progress import expected_plot, progress_plot, timeline_plot
from emotion_hpo.report.reading import Final, Findings
from emotion_hpo.report.scorings import ledger_blocks, list_scorings, scored_text
from emotion_hpo.report.space_plots import importance_plot, parallel_plot, slices_plot
from emotion_hpo.report.statistics import N_FOR_IMPORTANCE
from emotion_hpo.report.style import Plot, format_objective
from emotion_hpo.report.tables import (
    best_table,
    budget_table,
    edge,
    failures_table,
    space_table,
    trials_table,
    versions_table,
)
from emotion_hpo.report.training_curves import learning_plot, seeds_plot, trainings_plot
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.splits.class_coverage import describe_missing_in_test
from emotion_hpo.study import RESTORE, Trial, TrialState
from emotion_hpo.study.expected_score import list_expected_scores

Block = Text | Table | Plot | Listing


def study_page(findings: Findings) -> Page:
    """Return the page of a study, the answer first."""
    sections = (
        _answer(findings),
        PageSection("best", "Best configuration", _best(findings)),
        PageSection("progress", "How the search went", _progress(findings)),
        PageSection("parameters", "What mattered", _parameters(findings)),
        PageSection("space", "Search space", _space(findings)),
        PageSection("cost", "What accuracy costs", _cost(findings)),
        PageSection("confirmation", "Trained again", confirmation_blocks(findings)),
        PageSection("baseline", "Baseline", _baseline(findings)),
        PageSection("budget", "Budget", _present(budget_table(findings), failures_table(findings),
                                              timeline_plot(findings))),
        PageSection("ledger", "Ledger", ledger_blocks(findings)),
        PageSection("trials", "All trials", _present(trials_table(findings))),
        PageSection("versions", "Versions", _present(versions_table(findings))),
        PageSection("checklist", "Reproducibility checklist", _present(checklist_table(findings))),
    )  # fmt: skip
    return Page(
        title=findings.name,
        kind="Study",
        lead=findings.config.study.question,
        synthetic=findings.synthetic,
        cards=_cards(findings),
        sections=[section for section in sections if section.blocks],
        remarks=[
            *findings.remarks,
            *findings.summary.get("class_remarks", ()),
            *_absent_in_tests(findings),
        ],
        foot=(
            f"Made by emotion_hpo from the files of study {findings.name}, begun "
            f"{findings.facts.get('created_at', 'at an unknown time')}. Nothing was trained or "
            "scored for this page."
        ),
    )


def _absent_in_tests(findings: Findings) -> Iterable[str]:
    """Yield a remark where the test session of a final model lacks a class."""
    for final in findings.finals[:1]:
        counts = {name: recall["n"] for name, recall in final.result["recall_by_class"].items()}
        yield from describe_missing_in_test(counts, final.result["test_session"])


def _present(*blocks: Block | None) -> list[Block]:
    return [block for block in blocks if block is not None]


def _cards(findings: Findings) -> list[Card]:
    """Return what a reader looks for first: the answer, then what it rests on."""
    objective, best = findings.objective, findings.best
    cards = [] if findings.final is None else [_test_card(findings, findings.final)]
    if scores := list_expected_scores(findings.summary, findings.selection):
        expected, interval = scores[0], scores[0].interval.as_json()
        ends, by = format_ends(interval, objective), interval_method(interval)
        note = f"{expected.winner}; 90 %: {ends}, by {by}; corrected for the choice"
        cards.append(
            Card("expected on new utterances", format_score(objective, expected.value), note)
        )
    if best is not None:
        note = f"{best.name}; the best of many, so it looks better than it is"
        label = f"best {format_objective(objective)}"
        cards.append(Card(label, format_score(objective, best.value), note))
    if findings.baseline is not None:
        value = findings.baseline["validation"].get(objective.partition("/")[2])
        label = f"baseline, {format_objective(objective)}"
        cards.append(Card(label, format_score(objective, value), findings.baseline["model"]))
    n_finished = sum(trial.state.is_finished for trial in findings.trials)
    n_trials = findings.config.study.n_trials
    count = f"{n_finished} of {n_trials}" if n_finished <= n_trials else str(n_finished)
    return [*cards, Card("trials finished", count, _states(findings.trials))]


def _test_card(findings: Findings, final: Final) -> Card:
    """Return the test accuracy, with its interval and the metric that was searched for."""
    result = final.result
    ends = format_ends(result["accuracy_interval"])
    by = interval_method(result["accuracy_interval"])
    metric = find_metric(findings.objective)
    if metric.name == "accuracy" or result.get(metric.name) is None:
        metric = METRICS["uar"]
    n = len(list_scorings(findings))
    often = f"; the session was scored {format_times(n)}" if n > 1 else ""
    beside = f"{metric.label} {format_score(metric.name, result[metric.name])}"
    note = f"{result['trial']}; 95 %: {ends}, by {by}; {beside}{often}"
    return Card("test accuracy", format_share(result["accuracy"]), note)


def _states(trials: Iterable[Trial]) -> str:
    states = [trial.state for trial in trials]
    counted = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)
    return ", ".join(f"{states.count(state)} {state.value}" for state in counted)


def _space(findings: Findings) -> list[Block]:
    at_edge = [path for path in findings.config.space if edge(findings, path).startswith("at")]
    blocks: list[Block] = [space_table(findings)]
    if at_edge:
        paths = ", ".join(at_edge)
        words = f"The best trial lies at an end of the range of {paths}: try a wider one."
        blocks.insert(0, Text(words, is_remark=True))
    return [*_present(_warm_start_text(findings)), *blocks]


def _warm_start_text(findings: Findings) -> Text | None:
    """Say from which study the sampler was warm-started, and by how many trials."""
    name = findings.config.warm_start
    if name is None:
        return None
    warm_start = findings.summary.get("warm_start")
    if not warm_start:
        return Text(f"The sampler was warm-started with the trials of study {name}.")
    prior_trials = format_count(warm_start["n_prior_trials"], "trial")
    first = min((trial.number for trial in findings.trials), default=0)
    numbered = f" They are why its own trials are numbered from {first} on." if first else ""
    return Text(
        f"Before its first proposal the sampler was warm-started with {prior_trials} of study "
        f"{name}, as far as they fit this space. They count towards no budget and stand in no "
        f"figure here; to compare this study's cost with another's, add what they cost.{numbered}"
    )


def _best(findings: Findings) -> list[Block]:
    winner = findings.winner
    if winner is None:
        return [Text("No trial is complete yet, so there is no best configuration.")]
    path = findings.home.trial(winner.number).config
    words = (
        path.read_text("utf-8", "replace")
        if path.is_file()
        else f"{path.name} is not there; {RESTORE}"
    )
    return [
        *_present(
            confirmed_text(findings),
            expected_text(findings) if findings.finals else None,
            ensemble_text(findings) if findings.finals else None,
        ),
        best_table(findings, winner),
        Listing(f"The whole configuration of {winner.name}", words),
    ]


def _progress(findings: Findings) -> list[Block]:
    expected = expected_plot(findings)
    plots = (
        progress_plot(findings),
        learning_plot(findings),
        trainings_plot(findings),
        expected,
    )
    if not any(plots):
        return [Text("No trial has been trained for an epoch yet.")]
    blocks = _present(*plots)
    if expected is None:
        blocks.append(Text(
            "The expected best of k random trials is not shown: it holds for at least three "
            "complete trials of random search without pruning (sampler=random pruner=none), and "
            f"this study ran sampler {findings.config.sampler.name} with pruner "
            f"{findings.config.pruner.name}."
        ))  # fmt: skip
    return blocks


def _parameters(findings: Findings) -> list[Block]:
    if not findings.scored:
        return [Text("No trial has a value yet.")]
    plot = importance_plot(findings)
    missing = Text(
        f"Importance is not shown: it needs at least {N_FOR_IMPORTANCE} trials that were trained "
        "for as many epochs as most, and a forest over them that predicts trials which it has not "
        "seen better than their mean does."
    )
    return _present(plot or missing, parallel_plot(findings), slices_plot(findings))


def _cost(findings: Findings) -> list[Block]:
    return _present(front_plot(findings), front_table(findings), cost_plot(findings))


def _answer(findings: Findings) -> PageSection:
    """Return the test scores, or what to expect of them before `final`."""
    if findings.finals:
        return PageSection("final", "On the test session", _final(findings))
    unscored = Text(
        "The test session has not been scored by this study. `make final` does it, once; until "
        "then nothing here says what the best trial is worth on unseen people."
    )
    return PageSection(
        "expected",
        "Expected score",
        _present(expected_text(findings), ensemble_text(findings), unscored),
    )


def _final(findings: Findings) -> list[Block]:
    """Return the test scores and what they rest on, for whom, and against what."""
    blocks: list[Block] = _present(scored_text(findings))
    if len(findings.finals) > 1:
        words = (
            f"{len(findings.finals)} models of this study were scored on the test session: "
            "choosing among them by these figures makes the figure chosen optimistic."
        )
        blocks.append(Text(words, is_remark=True))
    blocks += [final_table(final) for final in findings.finals]
    first = findings.finals[0]
    blocks += _present(
        confusion_plot(first.result),
        expected_against_test_text(findings, first),
        against_baseline_plot(findings, first),
        reference_table(first),
        recall_table(first),
        recall_plot(first),
        breakdown_plot(first),
        breakdown_table(first),
        reliability_plot(first),
        seeds_plot(findings),
    )
    return [*blocks, Text(_retrained(first))]


def _retrained(final: Final) -> str:
    result = final.result
    averaged = ", whose probabilities were averaged" if len(result["seeds"]) > 1 else ""
    return (
        f"{result['trial']} was trained again on {result['n_train']:,} utterances, training and "
        f"validation together, for {format_count(result['epochs'], 'epoch')} from "
        f"{format_count(len(result['seeds']), 'seed')}{averaged}.{latency_sentence(final)}"
    )


def _baseline(findings: Findings) -> list[Block]:
    table = baseline_table(findings)
    if table is None:
        return []
    n = findings.n_validation
    on = f" on {n:,} utterances" if n is not None else ""
    return [
        Text(f"A plain model that costs seconds, judged as every trial is{on}; a network that does "
             "not beat it is not worth its epochs."),
        table,
    ]  # fmt: skip
