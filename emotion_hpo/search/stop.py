"""What a user requests of a command by Ctrl-C or SIGTERM, which do not end it by themselves.

First the running epochs end and are stored; the second time nothing is waited for.
"""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from emotion_hpo.errors import StudyError

_log = logging.getLogger(__name__)


@dataclass
class Stop:
    """What the user requested by Ctrl-C or SIGTERM: first politely, then at once."""

    n_requests: int = 0

    @property
    def politely(self) -> bool:
        """Return whether the running epochs are to be the last."""
        return self.n_requests >= 1

    @property
    def at_once(self) -> bool:
        """Return whether nothing is to be waited for."""
        return self.n_requests >= 2


class BatchStopped(StudyError):  # noqa: N818 (what happened, not what is wrong)
    """The user stopped what a command needs before it had ended."""

    def __init__(self) -> None:
        super().__init__("Stopped; the same command goes on where this one ended.")


#: What this process listens to, if it does.
_current: list[Stop] = []


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Count Ctrl-C and SIGTERM instead of dying of them.

    Within another such context, on whatever thread, both count the same.
    """
    if _current:
        yield _current[-1]
        return
    stop = Stop()
    _current.append(stop)

    def request_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.n_requests += 1
        if stop.n_requests == 1:
            _log.warning("\nStopping after the running epochs; Ctrl-C again stops at once.")

    before = {
        number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _current.pop()


def check_not_stopped() -> None:
    """Go no further where the command that this belongs to has been stopped.

    Raises:
        BatchStopped: The user requested it.
    """
    if _current and _current[-1].politely:
        raise BatchStopped
