"""The tables of what was scored: the baseline and the final models."""

from emotion_hpo.report.document import Table, Verbatim
from emotion_hpo.report.final_plots import breakdown
from emotion_hpo.report.reading import Final, Findings
from emotion_hpo.report.words import METHODS, interval, method, percent
from emotion_hpo.runtime.formatting import format_count


def baseline_table(findings: Findings) -> Table | None:
    """The baseline on validation, part by part."""
    if findings.baseline is None:
        return None
    parts = findings.baseline["by_part"]
    everything = {" and ".join(findings.baseline["parts"]): findings.baseline["validation"]}
    both = {**everything, **(parts if len(parts) > 1 else {})}
    rows = [
        (name, percent(one["accuracy"]), percent(one["uar"]), percent(one["macro_f1"]))
        for name, one in both.items()
    ]
    title = f"Baseline ({findings.baseline['model']}) on validation"
    return Table("baseline", title, ("reads", "accuracy", "UAR", "macro F1"), rows)


def final_table(final: Final) -> Table:
    """Test figures with intervals, the baseline beside them."""
    result, plain = final.result, final.result.get("baseline") or {}
    names = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro F1"}
    rows = [
        (
            label,
            percent(result.get(name)),
            interval(result.get(f"{name}_interval", ())),
            method(result.get(f"{name}_interval", ())),
            percent(plain.get(name)),
            interval(plain.get(f"{name}_interval", ())),
            method(plain.get(f"{name}_interval", ())),
        )
        for name, label in names.items()
    ]
    loud = []
    if (paper := result.get("paper_protocol")) is not None:
        loud.append(len(rows))
        warned = f"accuracy, {paper['warning']}"
        rows.append((warned, percent(paper["accuracy"]), "no estimate", "–", "–", "–", "–"))
    columns = (
        "metric",
        result["trial"],
        "95 % interval",
        "by",
        "baseline",
        "95 % interval ",
        "by ",
    )
    note = (
        f"{result['n_test']:,} utterances of session {result['test_session']}, in "
        f"{result['n_dialogues']} dialogues of {len(result['test_speakers'])} speakers. {METHODS} "
        "With so few speakers no interval says how others would fare."
    )
    if plain:
        note += f" The baseline reads {' and '.join(plain['parts'])} alone: the gain is over these."
    title = f"{result['trial']} on the test session"
    return Table(f"final_{result['trial']}", title, columns, rows, note, loud)


def recall_table(final: Final) -> Table:
    """Recall of each emotion."""
    rows = [
        (Verbatim(name), one["n"], percent(one["recall"]), interval(one["interval"]),
         method(one["interval"]))
        for name, one in final.result["recall_by_class"].items()
    ]  # fmt: skip
    columns = ("emotion", "utterances", "recall", "95 % interval", "by")
    return Table("recall", "Recall of each emotion", columns, rows, METHODS)


def breakdown_table(final: Final) -> Table | None:
    """Parts of the test set."""
    rows = [
        (Verbatim(f"{one['by']}: {one['value']}"), one["n"], percent(one["accuracy"]),
         interval(one["interval"]), method(one["interval"]), percent(one["uar"]))
        for one in breakdown(final)
    ]  # fmt: skip
    if not rows:
        return None
    columns = ("part", "utterances", "accuracy", "95 % interval", "by", "UAR")
    return Table("breakdowns", "Parts of the test session", columns, rows, METHODS)


def latency_words(final: Final) -> str:
    """How long the final model takes, as a sentence to follow another; nothing if not timed."""
    cost = final.result.get("cost")
    if not cost:
        return ""
    return (
        f" An utterance takes {cost['latency_ms']:.1f} ms from its features to its probabilities, "
        f"the median of {cost['n_timed']}, with {format_count(cost['n_networks'], 'network')} of "
        f"{cost['n_parameters']:,} weights together on {format_count(cost['n_threads'], 'thread')} "
        f"({cost['device']})."
    )
