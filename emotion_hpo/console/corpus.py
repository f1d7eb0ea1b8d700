"""What `prepare` shows of a corpus: its utterances, what it lacks, what is wrong with its files."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Column, Table

from emotion_hpo.console.output import echo, open_console
from emotion_hpo.runtime.formatting import format_duration


def show_corpus(summary: Mapping[str, Any]) -> None:
    """Print what a corpus holds, what it lacks and what is wrong with its files."""
    by_session = summary["n_by_session_emotion"]
    classes = list(next(iter(by_session.values())))
    mark = " (synthetic)" if summary["synthetic"] else ""
    table = Table(
        Column("session", overflow="fold"),
        title=f"Corpus {summary['corpus']}{mark}",
        title_justify="left",
    )
    for heading in (*classes, "all"):
        table.add_column(heading, justify="right", overflow="fold")
    for session, counts in by_session.items():
        table.add_row(session, *(str(counts[name]) for name in classes), str(sum(counts.values())))
    open_console().print(table, soft_wrap=True)
    for line in (*_content_lines(summary), *summary["remarks"], *_fault_lines(summary["faults"])):
        echo(line)
    echo(
        f"prepared in {format_duration(summary['seconds'])}, with at most "
        f"{summary['peak_memory_mb']:,} MB of memory"
    )


def _content_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines on durations, modalities, words and lost motion."""
    durations = summary["durations"]
    times = ""
    if durations["hours"] is not None:
        times = (
            f", {durations['hours']:.2f} h; median {durations['median_s']:.1f} s, "
            f"95 % within {durations['p95_s']:.1f} s, longest {durations['max_s']:.1f} s"
        )
    yield f"{summary['n_utterances']} utterances{times}"
    modalities = ", ".join(f"{name} {n}" for name, n in summary["n_by_modality"].items())
    yield f"with {modalities}; {summary['n_words']} words of {summary['n_word_types']} types"
    if lacking := [f"{name} {n}" for name, n in summary["missing"].items() if n]:
        yield f"without {', '.join(lacking)}"
    if (without := summary["words_without_vectors"]) and without["n_types"]:
        yield (
            f"words without vectors: {without['n_types']} types, {without['n_words']} words, such "
            f"as {', '.join(without['first'])}"
        )
    if summary["motion_lost"]:
        lost = ", ".join(
            f"{session} {100 * share:.1f} %" for session, share in summary["motion_lost"].items()
        )
        yield f"motion lost, by session: {lost}"


def _fault_lines(faults: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield each kind of fault with its first places.

    >>> list(_fault_lines({"missing wav": {"n": 2, "first": ["a.wav"]}}))
    ['fault: missing wav (2)', '  a.wav', '  … and 1 more']
    """
    for kind, entry in faults.items():
        yield f"fault: {kind} ({entry['n']})"
        yield from (f"  {place}" for place in entry["first"])
        if (more := entry["n"] - len(entry["first"])) > 0:
            yield f"  … and {more} more"
