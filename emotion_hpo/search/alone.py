"""One command at a time over a study, or over a batch of its trainings."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome


@contextmanager
def alone_in(home: StudyHome, otherwise: str) -> Iterator[None]:
    """Hold the lock of the one command that coordinates a study or a batch.

    Args:
        home: The study or batch.
        otherwise: What to say where another process holds it.

    Raises:
        StudyError: Another process holds it.
    """
    lock = FileLock(home.coordinator)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyError(otherwise) from None
    try:
        yield
    finally:
        lock.release()
