"""What is drawn while something runs: over itself on a terminal, not at all elsewhere.

A terminal has room for one live display. What is shown at the same time, as the studies of
`nested`, is drawn in it below each other.
"""

from contextlib import ExitStack
from threading import RLock
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from emotion_hpo.console.output import notes_above, open_console


class _Board:
    """The live display of this process: what every open screen draws, in order of opening."""

    def __init__(self) -> None:
        self._parts: dict[int, RenderableType] = {}
        self._live: Live | None = None
        self._drawing = ExitStack()
        self._lock = RLock()

    def open(self, screen: int) -> None:
        """Make room for a screen; the first starts the display."""
        with self._lock:
            if not self._parts:
                console = open_console(stderr=True)
                self._live = Live(console=console, refresh_per_second=4, transient=True)
                self._drawing.enter_context(self._live)
                self._drawing.enter_context(notes_above(console))
            self._parts[screen] = Text()

    def draw(self, screen: int, part: RenderableType) -> None:
        """Draw a screen anew."""
        with self._lock:
            if self._live is not None and screen in self._parts:
                self._parts[screen] = part
                self._live.update(Group(*self._parts.values()), refresh=True)

    def close(self, screen: int) -> None:
        """Take a screen away; the last ends the display."""
        with self._lock:
            if self._parts.pop(screen, None) is None or self._live is None:
                return
            self._live.update(Group(*self._parts.values()))
            if not self._parts:
                self._drawing.close()
                self._live = None


_board = _Board()


class LiveScreen:
    """A context that draws on standard error, notes above what is drawn."""

    def __init__(self) -> None:
        self.is_live = open_console(stderr=True).is_terminal

    def __enter__(self) -> Self:
        """Start drawing."""
        if self.is_live:
            _board.open(id(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        _board.close(id(self))

    def draw(self, part: RenderableType) -> None:
        """Draw this, in the place of what was drawn before."""
        _board.draw(id(self), part)
