"""What `nested` shows: the scores with each session as the test."""

from rich.table import Column, Table

from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.console.intervals import format_gain_interval, format_with_method
from emotion_hpo.console.output import echo, open_console
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.study.records.nested import NestedResult


def show_nested(result: NestedResult) -> None:
    """Print the scores with each session as the test, their mean and spread."""
    mark = " (synthetic data)" if result.synthetic else ""
    echo(f"\nNested protocol, study {result.study}{mark}")
    table = Table(
        Column("test session", overflow="fold"), "trial", "accuracy", "UAR", "n",
        box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for session in result.sessions:
        row = (format_share(session.accuracy), format_share(session.uar))
        table.add_row(session.test_session, session.trial, *row, str(session.n_test))
    open_console().print(table)
    for session in result.sessions:
        if reading := describe_turns_read(session.turns_read):
            echo(f"The model of session {session.test_session} {reading}.", "bold")
    for scores, label in ((result.accuracy, "accuracy"), (result.uar, "UAR")):
        echo(
            f"Mean {label} {format_share(scores.mean)}, standard deviation between sessions "
            f"{format_share(scores.spread)}, 95 % interval "
            f"{format_with_method(scores.interval)}"
        )
    gains = result.gain
    for gain, label in (
        (gains.baseline, "the baseline"), (gains.default, "the default configuration"),
    ):  # fmt: skip
        if gain is not None:
            ends = format_gain_interval(gain.interval)
            echo(f"Gain over {label}: {100 * gain.mean:+.2f} points of accuracy ({ends})")
    echo(
        "Intervals by *sessions* are Nadeau and Bengio's (2003), for their training parts overlap."
    )
