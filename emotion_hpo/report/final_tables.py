"""The tables of what was scored: the baseline and the final models."""

from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.metrics import METRICS, Interval
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.breakdown import list_parts
from emotion_hpo.report.document import Table, Verbatim
from emotion_hpo.report.findings import Final, Findings
from emotion_hpo.report.formatting import METHODS, format_difference_ends, format_ends
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.study.records.final_result import LESS_CONTEXT, Gain, Scores, Without


def baseline_table(findings: Findings) -> Table | None:
    """Return the baseline on validation, part by part."""
    if findings.baseline is None:
        return None
    parts = findings.baseline.by_part
    everything = {" and ".join(findings.baseline.parts): findings.baseline.validation}
    if (alone := findings.baseline.alone) is not None:
        everything |= {f"{name}, without the turns before": alone for name in everything}
    both = {**everything, **(parts if len(parts) > 1 else {})}
    rows = [
        (name, *(format_score(metric, scores.value_of(metric)) for metric in METRICS))
        for name, scores in both.items()
    ]
    title = f"Baseline ({findings.baseline.model}) on validation"
    columns = ("reads", *(metric.label for metric in METRICS.values()))
    return Table("baseline", title, columns, rows)


def final_table(final: Final) -> Table:
    """Return test figures with intervals, and the baseline beside them unless it is the model."""
    result = final.result
    plain = None if result.trial == BASELINE else result.baseline
    rivals = [] if plain is None else [plain.by_metric()]
    rows = [
        (
            METRICS[name].label,
            *_scored_cells(name, scored),
            *(cell for rival in rivals for cell in _scored_cells(name, rival.get(name))),
        )
        for name, scored in result.by_metric().items()
    ]
    loud = []
    if (paper := result.paper_protocol) is not None:
        loud.append(len(rows))
        warned = f"accuracy, {paper.warning}"
        cells = (warned, format_share(paper.accuracy), "no estimate", "–")
        rows.append((*cells, *["–"] * 3 * len(rivals)))
    columns = ["metric", result.trial, "95 % interval", "by"]
    columns += ["baseline", "95 % interval ", "by "] * len(rivals)
    note = (
        f"{result.n_test:,} utterances of session {result.test_session}, in "
        f"{result.n_dialogues} dialogues of {len(result.test_speakers)} speakers. {METHODS} "
        "With so few speakers no interval says how others would fare."
    )
    if plain is not None:
        note += f" The baseline is a linear model on {' and '.join(plain.parts)}."
    if reading := describe_turns_read(result.turns_read):
        note += f" {result.trial} {reading}."
    title = f"{result.trial} on the test session"
    return Table(f"final_{result.trial}", title, tuple(columns), rows, note, loud)


def _scored_cells(metric: str, scored: tuple[float, Interval] | None) -> tuple[str, str, str]:
    """Return a model's value by a metric, its interval, and how that was made."""
    if scored is None:  # scored before there was this metric
        return "–", "–", "–"
    value, interval = scored
    return format_score(metric, value), format_ends(interval, metric), interval.origin


def recall_table(final: Final) -> Table:
    """Return recall of each emotion."""
    rows = [
        (Verbatim(name), recall.n, format_share(recall.recall),
         format_ends(recall.interval), recall.interval.origin)
        for name, recall in final.result.recall_by_class.items()
    ]  # fmt: skip
    columns = ("emotion", "utterances", "recall", "95 % interval", "by")
    return Table("recall", "Recall of each emotion", columns, rows, METHODS)


def breakdown_table(final: Final) -> Table | None:
    """Return parts of the test set."""
    rows = [
        (Verbatim(part.label), part.n, format_share(part.accuracy), format_ends(part.interval),
         part.interval.origin, format_share(part.uar))
        for part in list_parts(final.result)
    ]  # fmt: skip
    if not rows:
        return None
    columns = ("part", "utterances", "accuracy", "95 % interval", "by", "UAR")
    return Table("breakdowns", "Parts of the test session", columns, rows, METHODS)


def reference_table(final: Final) -> Table | None:
    """Compare with its rivals and with itself, reading less, on the same utterances."""
    result = final.result
    rows = []
    if (default := result.default) is not None:
        name = f"default configuration ({default.trial})"
        rows.append(_reference(name, default, default.gain.accuracy))
    if (lone := result.lone) is not None:
        name = "the same configuration without context, trained for it"
        rows.append(_reference(name, lone, lone.gain.accuracy))
    if (plain := result.baseline_alone) is not None:
        name = "the baseline without the turns before"
        rows.append(_reference(name, plain, plain.gain.accuracy))
    for reads, scores in (result.less_context or {}).items():
        rows.append(_reference(LESS_CONTEXT[reads], scores, scores.loss_of_accuracy))
    for modality, scores in result.without.items():
        rows.append(_reference(f"without {modality}", scores, scores.loss_of_accuracy))
    if (words := result.words) is not None:
        name = f"with {words.other}, in the place of {words.own}"
        rows.append(_reference(name, words, words.loss_of_accuracy))
    if not rows:
        return None
    columns = (
        "compared with", "accuracy", "UAR", "difference in accuracy", "95 % interval", "by",
    )  # fmt: skip
    note = f"Points by which the model is better, paired on the same utterances. {METHODS}"
    if reading := describe_turns_read(result.turns_read):
        note += f" The model {reading}."
    has_context = result.turns_read is not None
    title = "Against others, and with less of what it reads"
    if not has_context:
        title = "Against the default, and without each modality"
    return Table("references", title, columns, rows, note)


def _reference(name: str, scores: Scores | Without, gain: Gain) -> tuple[str, ...]:
    return (
        name,
        format_share(scores.accuracy),
        format_share(scores.uar),
        f"{100 * gain.difference:+.2f}",
        format_difference_ends(gain.interval),
        gain.interval.origin,
    )


def latency_sentence(final: Final) -> str:
    """Describe how long the final model takes, as a sentence to follow another."""
    cost = final.result.cost
    return (
        f" An utterance takes {cost.latency_ms:.1f} ms from its features to its probabilities, "
        f"the median of {cost.n_timed}, with {format_count(cost.n_networks, 'training')} of "
        f"{cost.n_parameters:,} weights together on {format_count(cost.n_threads, 'thread')} "
        f"({cost.device})."
    )
