"""What a person sees while a command runs: a live table on a terminal, plain lines elsewhere.

Results and hints go to standard output, progress to standard error, so that a pipe gets the results
alone. Nothing here decides anything.
"""

import logging
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from emotion_hpo.features.preparation import OnProgress
from emotion_hpo.runtime.formatting import format_duration, format_share

#: A plain log gets a line at most this often while features are prepared.
_PLAIN_INTERVAL_S = 5.0

#: Consoles of the live displays that are on: a terminal has one.
_drawn_on: list[Console] = []


def open_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that prints every text letter by letter, in tables and titles, too.

    Labels, speakers and files have names of anyone's: for rich, `[/sad]` would be the end of a
    style, `[happy]` a style that is not shown, and `:sad:` a picture.
    """
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def echo(line: str = "", style: str | None = None) -> None:
    """Print a result or a hint, brackets and all."""
    open_console().print(line, style=style, soft_wrap=True)


def note(line: str) -> None:
    """Print something that a person should know, beside the results and above what is drawn."""
    console = _drawn_on[-1] if _drawn_on else open_console(stderr=True)
    console.print(line, soft_wrap=True)


class _NoteHandler(logging.Handler):
    """Prints what the package logs as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        note(self.format(record))


def show_logs() -> None:
    """Print what the package's modules log, as notes."""
    logger = logging.getLogger("emotion_hpo")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # a library that sets up the root logger would print them again
    if not any(isinstance(handler, _NoteHandler) for handler in logger.handlers):
        logger.addHandler(_NoteHandler())


@contextmanager
def notes_above(console: Console) -> Iterator[None]:
    """Print notes through the console of a live display, which a line past it would tear apart."""
    _drawn_on.append(console)
    try:
        yield
    finally:
        _drawn_on.remove(console)


def make_line(target: str, keys: Mapping[str, object], **variables: object) -> str:
    r"""A line that runs a target of the Makefile when it is pasted into a shell.

    >>> make_line("final", {"study.name": "wide"}, BEST="trial_7")
    'make final BEST=trial_7 ARGS="study.name=wide"'
    >>> make_line("ui", {"study.directory": "/data/my studies"})
    'make ui ARGS="\'study.directory=/data/my studies\'"'
    """
    words = [f"{name}={shlex.quote(str(value))}" for name, value in variables.items()]
    if keys:  # the shell of the target's recipe reads them once more
        overrides = shlex.join(f"{key}={value}" for key, value in keys.items())
        plain = not re.search(r'[$`"\\!]', overrides)
        words.append(f'ARGS="{overrides}"' if plain else f"ARGS={shlex.quote(overrides)}")
    return " ".join(["make", target, *words])


@contextmanager
def preparing(title: str) -> Iterator[OnProgress]:
    """Show how far the preparation of features is.

    A terminal shows at once that something is done, for reading a corpus takes a while before the
    first dialogue; a plain log gets no line if there is nothing to do.
    """
    console = open_console(stderr=True)
    if not console.is_terminal:
        yield _plain_progress(title)
        return
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars, notes_above(console):
        task = bars.add_task(title, total=None)

        def show(done: int, total: int, what: str) -> None:
            bars.update(task, completed=done, total=total, description=f"{title}: {what}")

        yield show


def _plain_progress(title: str) -> OnProgress:
    last = 0.0

    def show(done: int, total: int, what: str) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= _PLAIN_INTERVAL_S:
            last = time.monotonic()
            print(f"{title}: {what} {done}/{total}", file=sys.stderr, flush=True)  # noqa: T201

    return show


@contextmanager
def retraining() -> Iterator[Callable[[int, int, int], None]]:
    """Show how far the trainings of final models are, of each seed and each model in turn."""
    console = open_console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        task = bars.add_task("Retraining", total=None, visible=False)

        def show(index: int, epoch: int, epochs: int) -> None:
            words = f"Retraining: training {index + 1}, epoch {epoch}/{epochs}"
            bars.update(task, completed=epoch, total=epochs, description=words, visible=True)
            if not console.is_terminal and epoch:
                print(words, file=sys.stderr, flush=True)  # noqa: T201

        yield show


@contextmanager
def confirming() -> Iterator[Callable[[int, int], None]]:
    """Show how many of the confirming trainings have ended."""
    console = open_console(stderr=True)
    columns = (TextColumn("Confirming the leaders"), BarColumn(), MofNCompleteColumn())
    told = -1
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        task = bars.add_task("", total=None)

        def show(done: int, total: int) -> None:
            nonlocal told
            bars.update(task, completed=done, total=total)
            if not console.is_terminal and done > told:
                told = done
                print(f"Confirming: {done}/{total}", file=sys.stderr, flush=True)  # noqa: T201

        yield show


def show_corpus(found: Mapping[str, Any]) -> None:
    """Print what a corpus holds, what it lacks and what is wrong with its files."""
    by_session = found["n_by_session_emotion"]
    classes = list(next(iter(by_session.values())))
    mark = " (synthetic)" if found["synthetic"] else ""
    table = Table(
        Column("session", overflow="fold"),
        title=f"Corpus {found['corpus']}{mark}",
        title_justify="left",
    )
    for one in (*classes, "all"):
        table.add_column(one, justify="right", overflow="fold")
    for session, counts in by_session.items():
        table.add_row(session, *(str(counts[c]) for c in classes), str(sum(counts.values())))
    open_console().print(table, soft_wrap=True)
    for line in (*_content_lines(found), *found["remarks"], *_fault_lines(found["faults"])):
        echo(line)
    echo(
        f"prepared in {format_duration(found['seconds'])}, with at most "
        f"{found['peak_memory_mb']:,} MB of memory"
    )


def _content_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Durations, modalities, words and lost motion."""
    long = found["durations"]
    times = ""
    if long["hours"] is not None:
        times = (
            f", {long['hours']:.2f} h; median {long['median_s']:.1f} s, "
            f"95 % within {long['p95_s']:.1f} s, longest {long['max_s']:.1f} s"
        )
    yield f"{found['n_utterances']} utterances{times}"
    modalities = ", ".join(f"{name} {n}" for name, n in found["n_by_modality"].items())
    yield f"with {modalities}; {found['n_words']} words of {found['n_word_types']} types"
    if lacking := [f"{name} {n}" for name, n in found["missing"].items() if n]:
        yield f"without {', '.join(lacking)}"
    if (without := found["words_without_vectors"]) and without["n_types"]:
        yield (
            f"words without vectors: {without['n_types']} types, {without['n_words']} words, such "
            f"as {', '.join(without['first'])}"
        )
    if found["motion_lost"]:
        lost = ", ".join(
            f"{one} {100 * share:.1f} %" for one, share in found["motion_lost"].items()
        )
        yield f"motion lost, by session: {lost}"


def _fault_lines(faults: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each kind of fault with its first places.

    >>> list(_fault_lines({"missing wav": {"n": 2, "first": ["a.wav"]}}))
    ['fault: missing wav (2)', '  a.wav', '  … and 1 more']
    """
    for kind, entry in faults.items():
        yield f"fault: {kind} ({entry['n']})"
        yield from (f"  {place}" for place in entry["first"])
        if (more := entry["n"] - len(entry["first"])) > 0:
            yield f"  … and {more} more"


def show_models(
    encoders: Iterable[tuple[str, str, Mapping[str, int]]],
    heads: Iterable[tuple[str, int]],
    presets: Mapping[str, Mapping[str, int]],
) -> None:
    """Print what networks can be made of, and those that have a name, with trainable parameters.

    Args:
        encoders: Modality, name and counts of each encoder.
        heads: Name and count of each head.
        presets: Name → counts of each preset.
    """
    table = _counts_table("modality", "encoder")
    table.add_column("of which")
    for modality, name, counts in encoders:
        table.add_row(modality, name, f"{counts['all']:,}", _parts_words(counts))
    _print_wide("Encoders, at the paper's widths", table)
    table = _counts_table("head")
    for name, n in heads:
        table.add_row(name, f"{n:,}")
    _print_wide("Heads, over three encoders of 256 units", table)
    table = _counts_table("preset")
    parts = ("text", "speech", "mocap", "fusion")
    for part in parts:
        table.add_column(part, justify="right")
    for name, counts in presets.items():
        shown = (f"{counts[part]:,}" if part in counts else "" for part in ("all", *parts))
        table.add_row(name, *shown)
    _print_wide("Presets, chosen by model=NAME", table)
    echo("Trainable parameters, at 2,736 words; model=NAME shows one preset in all its parts.")


def show_counts(name: str, counts: Mapping[str, int]) -> None:
    """Print the trainable parameters of one network, part by part."""
    table = _counts_table("part")
    for part, n in counts.items():
        table.add_row("  " * part.count(".") + part.rpartition(".")[2], f"{n:,}")
    _print_wide(f"Network {name}", table)


def _counts_table(*headings: str) -> Table:
    table = Table(*headings, box=None, padding=(0, 2, 0, 0))
    table.add_column("parameters", justify="right")
    return table


def _print_wide(title: str, table: Table) -> None:
    """A name that is cut off cannot be chosen: a narrow terminal wraps the line instead."""
    echo(title, "bold")
    open_console(width=max(open_console().width, 110)).print(table)
    echo()


def _parts_words(counts: Mapping[str, int]) -> str:
    """The parts of an encoder in a line.

    >>> _parts_words({"all": 1200, "recurrent": 1000, "output": 200})
    'recurrent 1,000, output 200'
    """
    return ", ".join(f"{part} {n:,}" for part, n in counts.items() if part != "all")


def show_answer(answer: Mapping[str, float], *, synthetic: bool) -> None:
    """Class probabilities of an utterance as bars, the likeliest first."""
    mark = " (model trained on synthetic data)" if synthetic else ""
    echo(f"Emotion{mark}")
    table = Table(box=None)
    table.add_column("emotion", overflow="fold")
    table.add_column("probability", justify="right")
    table.add_column("")
    for name, share in sorted(answer.items(), key=lambda one: -one[1]):
        table.add_row(name, format_share(share), "█" * round(30 * share))
    open_console().print(table)
