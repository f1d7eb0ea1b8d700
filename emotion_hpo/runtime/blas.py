"""One thread for matrix products, for as long as anyone in this process needs it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

#: The limit is the process's: of two that overlap, the first to end would lift the other's.
_lock = Lock()
_limit = ExitStack()
_n_users = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Compute matrix products on one thread; the last user on any thread lifts the limit.

    More threads add up in another order, which gives other last bits, and on busy cores they wait
    for each other.
    """
    global _n_users  # noqa: PLW0603 (as the limit is)
    with _lock:
        if _n_users == 0:
            _limit.enter_context(threadpool_limits(1, "blas"))
        _n_users += 1
    try:
        yield
    finally:
        with _lock:
            _n_users -= 1
            if _n_users == 0:
                _limit.close()
