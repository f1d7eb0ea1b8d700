"""How many workers the pools of one process keep beside each other.

A search's pool, or a batch's, has the launcher's workers to itself. Where one command runs several
studies, as `nested` does, their pools share them: what one leaves idle, as at the end of a search,
the others' trainings take. A pool whose trial must run alone closes them to the others meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Places:
    """Places of workers, taken by pools that may run on several threads.

    Args:
        n: How many there are; None: as many as are asked for.
    """

    def __init__(self, n: int | None = None) -> None:
        self._n = n
        self._n_taken = 0
        self._is_closed = False
        self._lock = Lock()

    def take(self, n: int, *, is_alone: bool = False) -> int:
        """Take up to so many that are free; return how many that are.

        Args:
            n: At most.
            is_alone: Whether whoever takes them has closed the places to the others.
        """
        with self._lock:
            n_free = n if self._n is None else self._n - self._n_taken
            if self._is_closed and not is_alone:
                n_free = 0
            n = max(0, min(n, n_free))
            self._n_taken += n
            return n

    def give_back(self, n: int) -> None:
        """Give so many back."""
        with self._lock:
            self._n_taken -= n

    def close(self, n_own: int) -> bool:
        """Let no other pool take any, until `open`; return False where another one has some.

        Args:
            n_own: How many the pool has that closes them.
        """
        with self._lock:
            if self._is_closed or self._n_taken > n_own:
                return False
            self._is_closed = True
            return True

    def open(self) -> None:
        """Let the others take places again."""
        with self._lock:
            self._is_closed = False


#: What all pools of this process share, if they do.
_shared: list[Places] = []


def open_places() -> Places:
    """Return those that all pools of this process share, or some for one pool alone."""
    return _shared[-1] if _shared else Places()


@contextmanager
def shared_places(n: int) -> Iterator[None]:
    """Let all pools of this process share so many places."""
    _shared.append(Places(n))
    try:
        yield
    finally:
        _shared.pop()
