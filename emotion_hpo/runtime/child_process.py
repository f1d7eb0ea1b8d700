"""What a worker process of a pool does first: one thread, no Ctrl-C, and an end with its parent."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types


def become_child() -> None:
    """Use one thread, leave Ctrl-C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


@contextmanager
def without_main_module() -> Iterator[None]:
    """Hide the program that runs from processes that are started meanwhile.

    `spawn` runs its file again in each of them: a user's script that calls us would do so once
    more there, and wait for itself.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # the main thread waits for tasks that will never come
