"""What a worker process of a pool does first: one thread, no Ctrl-C, and an end with its parent."""

import multiprocessing
import os
import signal
import threading

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types


def become_child() -> None:
    """Use one thread, leave Ctrl-C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # the main thread waits for tasks that will never come
