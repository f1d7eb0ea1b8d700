"""What a person sees of final figures: a table, and what must be known beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Column, Table

from emotion_hpo.class_remarks import absences_in_test
from emotion_hpo.screen import counted, open_console, percent, say


def show_final(result: Mapping[str, Any]) -> None:
    """Print the test figures with their intervals."""
    mark = " (synthetic data)" if result["synthetic"] else ""
    speakers = ", ".join(result["test_speakers"])
    say(
        f"\n{result['trial']} of study {result['study']}: {counted(result['epochs'], 'epoch')} on "
        f"{result['n_train']} utterances, seeds {', '.join(map(str, result['seeds']))}"
    )
    say(
        f"Session {result['test_session']}, {result['n_test']} utterances of "
        f"{len(result['test_speakers'])} speakers ({speakers}){mark}"
    )
    table = Table(
        Column("", overflow="fold"), "score", "95 % interval", "n", box=None, padding=(0, 2, 0, 0)
    )
    for name, words in (("accuracy", "accuracy"), ("uar", "UAR"), ("macro_f1", "macro F1")):
        table.add_row(words, percent(result[name]), _interval(result[f"{name}_interval"]), "")
    for name, one in result["recall_by_class"].items():
        recall = None if one["recall"] is None else float(one["recall"])
        table.add_row(f"recall {name}", percent(recall), _interval(one["interval"]), str(one["n"]))
    for kind, groups in result["by"].items():
        for name, one in groups.items():
            words = f"{_KINDS.get(kind, kind)} {name}"
            interval = _interval(one["accuracy_interval"])
            table.add_row(words, percent(one["accuracy"]), interval, str(one["n"]))
    for name, one in result["without"].items():
        table.add_row(f"without {name}", percent(one["accuracy"]), "", "")
    plain = result["baseline"]
    parts = " and ".join(plain["parts"])
    table.add_row(
        "baseline accuracy", percent(plain["accuracy"]), _interval(plain["accuracy_interval"]), ""
    )
    table.add_row("baseline UAR", percent(plain["uar"]), _interval(plain["uar_interval"]), "")
    open_console().print(table)
    say(f"The baseline is a logistic regression on {parts}, fitted on the same utterances.")
    for line in _final_remarks(result):
        say(line)
    say(
        f"Intervals resample the {result['n_dialogues']} dialogues; they say nothing about other "
        "speakers than these."
    )
    exact = [f"recall {name}" for name, one in result["recall_by_class"].items()
             if one["by_utterance"]]  # fmt: skip
    exact += [
        f"{_KINDS.get(kind, kind)} {name}"
        for kind, groups in result["by"].items()
        for name, one in groups.items()
        if one["by_utterance"]
    ]
    if exact:
        say(
            f"Too few dialogues to resample, or all agree: {', '.join(exact)}. There the interval "
            "takes utterances as independent (Clopper and Pearson), which is optimistic."
        )
    if (paper := result["paper_protocol"]) is not None:
        say(f"{paper['warning']}: {percent(paper['accuracy'])}", "bold red")
    if result["n_scorings"] > 1:
        say(f"This holdout has been scored {result['n_scorings']} times: the figure is optimistic.")
        for one in result["scorings"]:
            who = f" by {one['by']}" if one["by"] else ""
            say(f"  {one['at']}{who}: {one['study']}, {one['trial']}, {percent(one['accuracy'])}")
        if result["scorings_spread"] is not None:
            say(f"  spread (standard deviation): {100 * result['scorings_spread']:.2f} points")


def show_nested(found: Mapping[str, Any]) -> None:
    """Print what each session as the test said, and mean and spread."""
    mark = " (synthetic data)" if found["synthetic"] else ""
    say(f"\nNested protocol, study {found['study']}{mark}")
    table = Table(
        Column("test session", overflow="fold"), "trial", "accuracy", "UAR", "n",
        box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for one in found["sessions"]:
        figures = (percent(one["accuracy"]), percent(one["uar"]), str(one["n_test"]))
        table.add_row(one["test_session"], one["trial"], *figures)
    open_console().print(table)
    for name, words in (("accuracy", "accuracy"), ("uar", "UAR")):
        one = found[name]
        say(
            f"Mean {words} {percent(one['mean'])}, standard deviation between sessions "
            f"{percent(one['spread'])}, 95 % interval {_interval(one['interval'])}"
        )
    for name, words in (("baseline", "the baseline"), ("default", "the default configuration")):
        if (gain := found["gain"][name]) is not None:
            low, high = ("–" if end is None else f"{100 * end:+.1f}" for end in gain["interval"])
            say(f"Less {words}: {100 * gain['mean']:+.2f} points of accuracy ({low} to {high})")
    say("Intervals over sessions by Nadeau and Bengio (2003), for their training parts overlap.")


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
        f"({counted(cost['n_networks'], 'network')}, {cost['n_parameters']:,} weights, "
        f"{counted(cost['n_threads'], 'thread')}, {cost['device']})."
    )
    if result["accuracy_spread"] is not None:
        yield (
            f"Single networks: {percent(result['accuracy_mean'])} on average over "
            f"{len(result['seeds'])} seeds, standard deviation "
            f"{100 * result['accuracy_spread']:.2f} points; the figures are of their average."
        )
    if (promised := result["expected"]) is not None:
        verdict = "inside" if promised["is_inside"] else "outside"
        yield (
            f"Search promised {percent(promised['value'])} ({_interval(promised['interval'])}) for "
            f"{promised['holds_for']}; the test says {percent(promised['test'])}: {verdict}."
        )
    if result["normalised_by_speaker"]:
        names = ", ".join(result["normalised_by_speaker"])
        yield (
            f"Scaled by each test speaker's own utterances, without their labels: {names}. A "
            "single utterance of a new speaker will do worse."
        )


def _gain_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """By how much the model is better than those it is held against."""
    for name, words in (("baseline", "the baseline"), ("default", "the default configuration")):
        if result[name] is None:
            continue
        gain = result[name]["gain"]["accuracy"]
        low, high = gain["interval"]
        yield (
            f"Less {words}: {100 * gain['difference']:+.2f} points of accuracy "
            f"({100 * low:+.1f} to {100 * high:+.1f}), McNemar's p {gain['mcnemar_p']:.2g}."
        )


def _interval(bounds: Sequence[float | None]) -> str:
    """Two shares as people read them.

    >>> _interval([0.6, 0.7])
    '60.0 – 70.0 %'
    """
    low, high = bounds
    return "–" if low is None or high is None else f"{100 * low:.1f} – {100 * high:.1f} %"
