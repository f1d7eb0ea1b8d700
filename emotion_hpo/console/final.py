"""What `final` shows: the test scores with their intervals, and what must be known beside them."""

from collections.abc import Iterator

from rich.table import Column, Table

from emotion_hpo.config.features import TEXT, TEXT_FACTORS
from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.console.intervals import format_gain_interval
from emotion_hpo.console.output import echo, open_console
from emotion_hpo.metrics import METRICS
from emotion_hpo.metrics.confidence_interval import NOT_ESTIMABLE, Interval
from emotion_hpo.metrics.formatting import format_interval, format_score, format_score_interval
from emotion_hpo.report.breakdown import MOST_PARTS
from emotion_hpo.runtime.formatting import format_count, format_share, name_some
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.splits.class_coverage import describe_missing_in_test
from emotion_hpo.study.records.cost import FinalCost
from emotion_hpo.study.records.final_result import (
    LESS_CONTEXT,
    ExpectedAndTest,
    FinalResult,
    Scores,
)

#: From this share of waiting on, what was measured says more about the machine than the model.
_BUSY = 0.1


def show_final(result: FinalResult) -> None:
    """Print the test scores with their intervals."""
    mark = " (synthetic data)" if result.synthetic else ""
    speakers = name_some(result.test_speakers, MOST_PARTS)
    epochs = ""
    if result.epochs is not None and result.trial != BASELINE:
        epochs = f"{format_count(result.epochs, 'epoch')} "
    kind = f"{len(result.members)} models " if result.is_ensemble else epochs
    echo(
        f"\n{result.trial} of study {result.study}: {kind}on {result.n_train} utterances, seeds "
        f"{', '.join(map(str, result.seeds))}"
    )
    if result.is_ensemble:
        _show_members(result)
    echo(
        f"Session {result.test_session}, {result.n_test} utterances of "
        f"{len(result.test_speakers)} speakers ({speakers}){mark}"
    )
    if reading := describe_turns_read(result.turns_read):
        echo(f"The model {reading}.", "bold")
    columns = (Column("", overflow="fold"), "score", "95 % interval", "by", "n")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for name, metric, value, interval, n in _scored_rows(result):
        ends = format_interval(interval, metric) if interval.ends else NOT_ESTIMABLE
        table.add_row(name, format_score(metric, value), ends, interval.origin, str(n))
    open_console().print(table)
    echo(describe_baseline(result))
    for line in _final_remarks(result):
        echo(line)
    echo(
        f"Intervals by *dialogues* resample the {result.n_dialogues} dialogues; those by "
        "*exact* are of as many independent utterances (Clopper and Pearson), the least that they "
        "can be; *dialogues + exact* are of both. None says anything about other speakers."
    )
    if (paper := result.paper_protocol) is not None:
        echo(f"{paper.warning}: {format_share(paper.accuracy)}", "bold red")
    if result.n_scorings > 1:
        echo(f"This holdout has been scored {result.n_scorings} times: the score is optimistic.")
        for scoring in result.scorings:
            who = f" by {scoring.by}" if scoring.by else ""
            echo(
                f"  {scoring.at}{who}: {scoring.study}, {scoring.trial}, "
                f"{format_share(scoring.accuracy)}"
            )
        if result.scorings_spread is not None:
            echo(f"  spread (standard deviation): {100 * result.scorings_spread:.2f} points")
    if result.protocol_remark:
        echo(result.protocol_remark)
    for overlap in result.overlaps:
        echo(overlap.sentence)


def _show_members(result: FinalResult) -> None:
    """Print what an ensemble is made of."""
    rule = result.rule.replace("_", " ")
    columns = (Column("member", overflow="fold"), f"weight ({rule})", "epochs")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for member in result.members:
        epochs = "–" if member.trial == BASELINE else str(member.epochs)
        table.add_row(member.trial, format_share(member.weight), epochs)
    open_console().print(table)


#: Name of the row, metric, score, its interval, number of utterances.
_ScoreRow = tuple[str, str, float | None, Interval, int]


def _scored_rows(result: FinalResult) -> Iterator[_ScoreRow]:
    """Yield the rows of the table of scores."""
    share = "accuracy"  # a recall is the accuracy on a class's utterances
    yield from _metric_rows("", result, result.n_test)
    for name, recall in result.recall_by_class.items():
        yield f"recall {name}", share, recall.recall, recall.interval, recall.n
    for kind, groups in result.breakdowns.items():
        for name, part in groups.items() if len(groups) <= MOST_PARTS else ():
            label = f"{_KINDS.get(kind, kind)} {name}"
            yield label, share, part.accuracy, part.accuracy_interval, part.n
    for name, rest in result.without.items():
        yield f"without {name}", share, rest.accuracy, rest.accuracy_interval, result.n_test
    for reads, rest in (result.less_context or {}).items():
        label = LESS_CONTEXT[reads]
        yield label, share, rest.accuracy, rest.accuracy_interval, result.n_test
    if (words := result.words) is not None:
        label = f"with {words.other}"
        yield label, share, words.accuracy, words.accuracy_interval, result.n_test
    if result.lone is not None:
        yield from _metric_rows("without context ", result.lone, result.n_test)
    if result.trial != BASELINE:
        yield from _metric_rows("baseline ", result.baseline, result.n_test)
    if result.baseline_alone is not None:
        yield from _metric_rows("baseline without turns ", result.baseline_alone, result.n_test)


def _metric_rows(prefix: str, scores: Scores, n: int) -> Iterator[_ScoreRow]:
    """Yield a row for each metric."""
    for name, (value, interval) in scores.by_metric().items():
        yield f"{prefix}{METRICS[name].label}", name, value, interval, n


def describe_baseline(result: FinalResult) -> str:
    """Return what the baseline is and reads, and so what a gain over it means."""
    reads = result.baseline.parts
    turns = ", the turns before read beside each" if result.baseline_alone is not None else ""
    if result.trial == BASELINE:
        return f"It is the baseline, a linear model on {' and '.join(reads)}{turns}."
    line = (
        f"The baseline is a linear model on {' and '.join(reads)}{turns}, fitted on the same "
        f"utterances; the gain is over what {'these give' if len(reads) > 1 else 'this gives'}."
    )
    known = {*reads, *([TEXT_FACTORS] if TEXT in reads else [])}  # of the same words
    if others := [name for name in result.modalities if name not in known]:
        line += f" It does not read {' and '.join(others)}, which the model does."
    return line


#: Parts of a test by what divides them, as a table names them.
_KINDS = {
    "wears_markers": "speaker wears markers:",
    "modalities": "with",
    "transcript_in_training": "words occur in training:",
    "position": "turn of its dialogue:",
}


def _latency_line(cost: FinalCost) -> str:
    """Return what an utterance takes, and whether the machine was busy when that was measured."""
    line = (
        f"An utterance takes {cost.latency_ms:.1f} ms from its features to its probabilities "
        f"({format_count(cost.n_networks, 'training')}, {cost.n_parameters:,} weights, "
        f"{format_count(cost.n_threads, 'thread')}, {cost.device})"
    )
    if cost.repeated_ms is not None and cost.first_ms is not None:
        line += (
            f", {cost.repeated_ms:.1f} ms a second time, the first of all {cost.first_ms:.1f} ms"
        )
    if cost.waiting_share is not None and cost.waiting_share >= _BUSY:
        line += (
            f"; the machine was busy, {100 * cost.waiting_share:.0f} % of that was waiting for it"
        )
    return f"{line}."


def _final_remarks(result: FinalResult) -> Iterator[str]:
    """Yield what a reader of the test scores should know beside them."""
    counts = {name: recall.n for name, recall in result.recall_by_class.items()}
    yield from describe_missing_in_test(counts, result.test_session)
    calibration = result.calibration
    yield (
        f"Calibration: expected error {100 * calibration.ece:.1f} points, Brier score "
        f"{calibration.brier:.3f} (0 is perfect, 2 the worst)."
    )
    for kind, groups in result.breakdowns.items():
        if len(groups) > MOST_PARTS:
            yield f"By {kind.replace('_', ' ')}: {len(groups)} parts, in result.json."
    if (words := result.words) is not None:
        yield (
            f"Accuracy with {words.own}: {format_share(result.accuracy)}; with {words.other}: "
            f"{format_share(words.accuracy)}."
        )
    yield from _gain_lines(result)
    yield _latency_line(result.cost)
    if result.accuracy_spread is not None:
        yield (
            f"Single seeds: {format_share(result.accuracy_mean)} on average over "
            f"{len(result.seeds)} seeds, standard deviation "
            f"{100 * result.accuracy_spread:.2f} points; the scores are of their average."
        )
    if (expected := result.expected) is not None:
        yield _format_expected(expected, result.validation.objective)
    if result.normalised_by_speaker:
        names = ", ".join(result.normalised_by_speaker)
        yield (
            f"Scaled by each test speaker's own utterances, later ones too, without their labels: "
            f"{names}. A single utterance of a new speaker, and each turn of a dialogue that goes "
            "on, is scaled by the corpus almost alone and will do worse."
        )


def _gain_lines(result: FinalResult) -> Iterator[str]:
    """Yield the gains of the model over those that it is compared with."""
    gains = []
    if result.trial != BASELINE:
        reads = " and ".join(result.baseline.parts)
        gains.append((f"the baseline ({reads})", result.baseline.gain.accuracy))
    if result.default is not None:
        gains.append(("the default configuration", result.default.gain.accuracy))
    if result.lone is not None:
        label = "the same configuration without context, trained for it"
        gains.append((label, result.lone.gain.accuracy))
    if result.baseline_alone is not None:
        label = "the baseline without the turns before"
        gains.append((label, result.baseline_alone.gain.accuracy))
    for reads, rest in (result.less_context or {}).items():
        gains.append((f"itself with {LESS_CONTEXT[reads]}", rest.loss_of_accuracy))
    if (words := result.words) is not None:
        gains.append((f"itself with {words.other}", words.loss_of_accuracy))
    for label, gain in gains:
        yield (
            f"Gain over {label}: {100 * gain.difference:+.2f} points of accuracy "
            f"({format_gain_interval(gain.interval)}), McNemar's p {gain.mcnemar_p:.2g}."
        )


def _format_expected(expected: ExpectedAndTest, objective: str) -> str:
    """Return the score that was expected before the test, and whether the test confirms it."""
    verdict = {True: ": inside", False: ": outside", None: ""}[expected.is_inside]
    return (
        f"Expected before the test: {format_score(objective, expected.value)} (90 % interval "
        f"{format_score_interval(objective, expected.interval)}) for {expected.holds_for}; "
        f"the test says {format_score(objective, expected.test)}{verdict}."
    )
