"""The tables of what was scored: the baseline and the final models."""

from collections.abc import Mapping
from typing import Any

from emotion_hpo.metrics import METRICS
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Table, Verbatim
from emotion_hpo.report.final_plots import breakdown
from emotion_hpo.report.formatting import METHODS, format_ends, interval_method
from emotion_hpo.report.reading import Final, Findings
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.selection.suggestion import BASELINE


def baseline_table(findings: Findings) -> Table | None:
    """Return the baseline on validation, part by part."""
    if findings.baseline is None:
        return None
    parts = findings.baseline["by_part"]
    everything = {" and ".join(findings.baseline["parts"]): findings.baseline["validation"]}
    both = {**everything, **(parts if len(parts) > 1 else {})}
    rows = [
        (name, *(format_score(metric, scores.get(metric)) for metric in METRICS))
        for name, scores in both.items()
    ]
    title = f"Baseline ({findings.baseline['model']}) on validation"
    columns = ("reads", *(metric.label for metric in METRICS.values()))
    return Table("baseline", title, columns, rows)


def final_table(final: Final) -> Table:
    """Return test figures with intervals, and the baseline beside them unless it is the model."""
    result = final.result
    plain = {} if result["trial"] == BASELINE else result.get("baseline") or {}
    rivals = [plain] if plain else []
    rows = [
        (
            metric.label,
            *_scored_cells(name, result),
            *(cell for rival in rivals for cell in _scored_cells(name, rival)),
        )
        for name, metric in METRICS.items()
        if result.get(f"{name}_interval") is not None  # an earlier version stored fewer
    ]
    loud = []
    if (paper := result.get("paper_protocol")) is not None:
        loud.append(len(rows))
        warned = f"accuracy, {paper['warning']}"
        cells = (warned, format_share(paper["accuracy"]), "no estimate", "–")
        rows.append((*cells, *["–"] * 3 * len(rivals)))
    columns = ["metric", result["trial"], "95 % interval", "by"]
    columns += ["baseline", "95 % interval ", "by "] * len(rivals)
    note = (
        f"{result['n_test']:,} utterances of session {result['test_session']}, in "
        f"{result['n_dialogues']} dialogues of {len(result['test_speakers'])} speakers. {METHODS} "
        "With so few speakers no interval says how others would fare."
    )
    if plain:
        note += f" The baseline is a linear model on {' and '.join(plain['parts'])}."
    title = f"{result['trial']} on the test session"
    return Table(f"final_{result['trial']}", title, tuple(columns), rows, note, loud)


def _scored_cells(metric: str, scores: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a model's value by a metric, its interval, and how that was made."""
    stored = scores.get(f"{metric}_interval") or ()
    value = format_score(metric, scores.get(metric))
    return value, format_ends(stored, metric), interval_method(stored)


def recall_table(final: Final) -> Table:
    """Return recall of each emotion."""
    rows = [
        (Verbatim(name), recall["n"], format_share(recall["recall"]),
         format_ends(recall["interval"]), interval_method(recall["interval"]))
        for name, recall in final.result["recall_by_class"].items()
    ]  # fmt: skip
    columns = ("emotion", "utterances", "recall", "95 % interval", "by")
    return Table("recall", "Recall of each emotion", columns, rows, METHODS)


def breakdown_table(final: Final) -> Table | None:
    """Return parts of the test set."""
    rows = [
        (Verbatim(f"{part['by']}: {part['value']}"), part["n"], format_share(part["accuracy"]),
         format_ends(part["interval"]), interval_method(part["interval"]),
         format_share(part["uar"]))
        for part in breakdown(final)
    ]  # fmt: skip
    if not rows:
        return None
    columns = ("part", "utterances", "accuracy", "95 % interval", "by", "UAR")
    return Table("breakdowns", "Parts of the test session", columns, rows, METHODS)


def latency_sentence(final: Final) -> str:
    """Describe how long the final model takes, as a sentence to follow another."""
    cost = final.result.get("cost")
    if not cost:
        return ""
    return (
        f" An utterance takes {cost['latency_ms']:.1f} ms from its features to its probabilities, "
        f"the median of {cost['n_timed']}, with {format_count(cost['n_networks'], 'network')} of "
        f"{cost['n_parameters']:,} weights together on {format_count(cost['n_threads'], 'thread')} "
        f"({cost['device']})."
    )
