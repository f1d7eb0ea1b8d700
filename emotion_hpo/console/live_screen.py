"""What is drawn while something runs: over itself on a terminal, not at all elsewhere."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from rich.live import Live

from emotion_hpo.console.output import notes_above, open_console


class LiveScreen:
    """A context that draws on standard error, notes above what is drawn."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._drawing = ExitStack()

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._drawing.enter_context(self._live)
            self._drawing.enter_context(notes_above(self._console))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        self._drawing.close()
