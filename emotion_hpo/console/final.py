"""What a person sees of final figures: a table, and what must be known beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Column, Table

from emotion_hpo.console.output import echo, open_console
from emotion_hpo.metrics import METRICS
from emotion_hpo.metrics.formatting import format_interval, format_score, format_score_interval
from emotion_hpo.metrics.intervals import NOT_ESTIMABLE, Interval
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.splits.class_coverage import absences_in_test


def show_final(result: Mapping[str, Any]) -> None:
    """Print the test figures with their intervals."""
    mark = " (synthetic data)" if result["synthetic"] else ""
    speakers = ", ".join(result["test_speakers"])
    echo(
        f"\n{result['trial']} of study {result['study']}: "
        f"{format_count(result['epochs'], 'epoch')} on {result['n_train']} utterances, seeds "
        f"{', '.join(map(str, result['seeds']))}"
    )
    echo(
        f"Session {result['test_session']}, {result['n_test']} utterances of "
        f"{len(result['test_speakers'])} speakers ({speakers}){mark}"
    )
    columns = (Column("", overflow="fold"), "score", "95 % interval", "by", "n")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for name, metric, value, stored, n in _scored_rows(result):
        interval = Interval.read(stored)
        ends = format_interval(interval, metric) if interval.ends else NOT_ESTIMABLE
        method = interval.reason or interval.method
        table.add_row(name, format_score(metric, value), ends, method, str(n))
    open_console().print(table)
    echo(baseline_words(result))
    for line in _final_remarks(result):
        echo(line)
    echo(
        f"Intervals by *dialogues* resample the {result['n_dialogues']} dialogues; those by "
        "*exact* are of as many independent utterances (Clopper and Pearson), the least that they "
        "can be; *dialogues + exact* are of both. None says anything about other speakers."
    )
    if (paper := result["paper_protocol"]) is not None:
        echo(f"{paper['warning']}: {format_share(paper['accuracy'])}", "bold red")
    if result["n_scorings"] > 1:
        echo(
            f"This holdout has been scored {result['n_scorings']} times: the figure is optimistic."
        )
        for one in result["scorings"]:
            who = f" by {one['by']}" if one["by"] else ""
            echo(
                f"  {one['at']}{who}: {one['study']}, {one['trial']}, "
                f"{format_share(one['accuracy'])}"
            )
        if result["scorings_spread"] is not None:
            echo(f"  spread (standard deviation): {100 * result['scorings_spread']:.2f} points")
    for one in result["overlaps"]:
        echo(
            f"{one['n_shared']} of its utterances lay in a holdout that was scored before: "
            f"study {one['study']}, {one['trial']}, {one['at']}."
        )


#: Name of the row, metric, score, its stored interval, number of utterances.
_ScoreRow = tuple[str, str, float | None, Any, int]


def _scored_rows(result: Mapping[str, Any]) -> Iterator[_ScoreRow]:
    """Yield the rows of the table of scores."""
    share = "accuracy"  # a recall is the accuracy on a class's utterances
    yield from _metric_rows("", result, result["n_test"])
    for name, recall in result["recall_by_class"].items():
        yield f"recall {name}", share, recall["recall"], recall["interval"], recall["n"]
    for kind, groups in result["by"].items():
        for name, part in groups.items():
            words = f"{_KINDS.get(kind, kind)} {name}"
            yield words, share, part["accuracy"], part["accuracy_interval"], part["n"]
    for name, rest in result["without"].items():
        yield (
            f"without {name}",
            share,
            rest["accuracy"],
            rest.get("accuracy_interval", ()),
            result["n_test"],
        )
    yield from _metric_rows("baseline ", result["baseline"], result["n_test"])


def _metric_rows(prefix: str, scores: Mapping[str, Any], n: int) -> Iterator[_ScoreRow]:
    """Yield a row for each metric; an earlier version stored fewer."""
    for name, metric in METRICS.items():
        if name in scores:
            yield f"{prefix}{metric.label}", name, scores[name], scores[f"{name}_interval"], n


def baseline_words(result: Mapping[str, Any]) -> str:
    """What the baseline is and reads, and so what a gain over it is worth."""
    reads = result["baseline"]["parts"]
    line = (
        f"The baseline is a logistic regression on {' and '.join(reads)}, fitted on the same "
        f"utterances; the gain is over what {'these give' if len(reads) > 1 else 'this gives'}."
    )
    if others := [name for name in result.get("modalities", ()) if name not in reads]:
        line += f" It does not read {' and '.join(others)}, which the model does."
    return line


def show_nested(found: Mapping[str, Any]) -> None:
    """Print what each session as the test said, and mean and spread."""
    mark = " (synthetic data)" if found["synthetic"] else ""
    echo(f"\nNested protocol, study {found['study']}{mark}")
    table = Table(
        Column("test session", overflow="fold"), "trial", "accuracy", "UAR", "n",
        box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for one in found["sessions"]:
        figures = (format_share(one["accuracy"]), format_share(one["uar"]), str(one["n_test"]))
        table.add_row(one["test_session"], one["trial"], *figures)
    open_console().print(table)
    for name in (name for name in METRICS if name in found):
        one = found[name]
        echo(
            f"Mean {METRICS[name].label} {format_share(one['mean'])}, standard deviation between "
            f"sessions {format_share(one['spread'])}, 95 % interval {_named(one['interval'])}"
        )
    for name, words in (("baseline", "the baseline"), ("default", "the default configuration")):
        if (gain := found["gain"][name]) is not None:
            ends = _named_points(gain["interval"])
            echo(f"Gain over {words}: {100 * gain['mean']:+.2f} points of accuracy ({ends})")
    echo(
        "Intervals by *sessions* are Nadeau and Bengio's (2003), for their training parts overlap."
    )


#: Parts of a test by what divides them, as a table names them.
_KINDS = {
    "wears_markers": "speaker wears markers:",
    "modalities": "with",
    "transcript_in_training": "words occur in training:",
}


def _final_remarks(result: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of a test's figures should know beside them."""
    counts = {name: recall["n"] for name, recall in result["recall_by_class"].items()}
    yield from absences_in_test(counts, result["test_session"])
    how_sure = result["calibration"]
    yield (
        f"Calibration: expected error {100 * how_sure['ece']:.1f} points, Brier score "
        f"{how_sure['brier']:.3f} (0 is perfect, 2 the worst)."
    )
    yield from _gain_lines(result)
    cost = result["cost"]
    yield (
        f"An utterance takes {cost['latency_ms']:.1f} ms from its features to its probabilities "
        f"({format_count(cost['n_networks'], 'network')}, {cost['n_parameters']:,} weights, "
        f"{format_count(cost['n_threads'], 'thread')}, {cost['device']})."
    )
    if result["accuracy_spread"] is not None:
        yield (
            f"Single networks: {format_share(result['accuracy_mean'])} on average over "
            f"{len(result['seeds'])} seeds, standard deviation "
            f"{100 * result['accuracy_spread']:.2f} points; the figures are of their average."
        )
    if (promised := result["expected"]) is not None:
        yield _promise_words(promised, result["validation"]["objective"])
    if result["normalised_by_speaker"]:
        names = ", ".join(result["normalised_by_speaker"])
        yield (
            f"Scaled by each test speaker's own utterances, without their labels: {names}. A "
            "single utterance of a new speaker will do worse."
        )


def _gain_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """By how much the model is better than those it is held against."""
    reads = " and ".join(result["baseline"]["parts"])
    others = (("baseline", f"the baseline ({reads})"), ("default", "the default configuration"))
    for name, words in others:
        if result[name] is None:
            continue
        gain = result[name]["gain"]["accuracy"]
        yield (
            f"Gain over {words}: {100 * gain['difference']:+.2f} points of accuracy "
            f"({_named_points(gain['interval'])}), McNemar's p {gain['mcnemar_p']:.2g}."
        )


def _promise_words(promised: Mapping[str, Any], objective: str) -> str:
    """What search promised, and whether the test bears it out."""
    verdict = {True: ": inside", False: ": outside", None: ""}[promised["is_inside"]]
    return (
        f"Search promised {format_score(objective, promised['value'])} (90 % interval "
        f"{format_score_interval(objective, promised['interval'])}) for {promised['holds_for']}; "
        f"the test says {format_score(objective, promised['test'])}{verdict}."
    )


def _named(stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """Ends of an interval of shares, and what decides them."""
    interval = Interval.read(stored)
    return format_interval(interval) + (f" by {interval.method}" if interval.ends else "")


def _named_points(stored: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """Ends of an interval of a difference in points of 100, and what decides them.

    >>> _named_points({"low": -0.01, "high": 0.02, "method": "dialogues"})
    '-1.0 to +2.0, by dialogues'
    """
    interval = Interval.read(stored)
    if interval.ends is None:
        return format_interval(interval)
    low, high = interval.ends
    return f"{100 * low:+.1f} to {100 * high:+.1f}, by {interval.method}"
