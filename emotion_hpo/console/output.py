"""Lines on the terminal: results and hints on standard output, notes on standard error.

So a pipe gets the results alone. What the package logs is printed as notes.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import StringIO
from typing import NoReturn

from rich.console import Console

#: Consoles of the live displays that are on: a terminal has one.
_drawn_on: list[Console] = []

#: Where the results of a thread gather that are to be printed together.
_block: ContextVar[StringIO | None] = ContextVar("block", default=None)

#: What stands before the notes of a thread.
_name: ContextVar[str | None] = ContextVar("name", default=None)


def open_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints every text letter by letter, in tables and titles, too.

    Labels, speakers and files have names of anyone's: for rich, `[/sad]` would be the end of a
    style, `[happy]` a style that is not shown, and `:sad:` a picture.
    """
    block = None if stderr else _block.get()
    console = Console(
        stderr=stderr,
        file=block,
        force_terminal=None if block is None else Console().is_terminal,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.on_broken_pipe = _raise_again  # type: ignore[method-assign]  # rich ends the process
    return console


def _raise_again() -> NoReturn:
    """Leave it to the caller what becomes of a command that nobody reads any more."""
    raise  # noqa: PLE0704 (rich calls this while it handles the error)


@contextmanager
def as_a_block(name: str) -> Iterator[None]:
    """Keep what this thread prints apart from what others do.

    What it echoes is printed at once at the end, and before its notes stands a name. If nobody
    reads them any more, as behind `| head`, they are lost without an error, which would stop what
    other threads do; what the command prints last still fails.
    """
    block = StringIO()
    before = _block.set(block), _name.set(name)
    try:
        yield
    finally:
        _block.reset(before[0])
        _name.reset(before[1])
        with suppress(OSError):
            print(block.getvalue(), end="", flush=True)  # noqa: T201


def echo(line: str = "", style: str | None = None) -> None:
    """Print a result or a hint, brackets and all."""
    open_console().print(line, style=style, soft_wrap=True)


def note(line: str) -> None:
    """Print something that a person should know, beside the results and above what is drawn."""
    console = _drawn_on[-1] if _drawn_on else open_console(stderr=True)
    name = _name.get()
    if name is None:
        console.print(line, soft_wrap=True)
        return
    with suppress(OSError):
        console.print(f"{name}: {line}", soft_wrap=True)


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
    for name in logging.root.manager.loggerDict:  # Hydra's set-up disables those that exist
        if name.partition(".")[0] == logger.name:
            logging.getLogger(name).disabled = False
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
