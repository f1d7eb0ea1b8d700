"""Optuna's cache of a study's trials, which can hold still.

Optuna reads every unfinished trial from the storage whenever somebody asks for trials: a claim asks
four times, and with 64 workers each answer is 64 trials. Within a claim nothing changes but by the
claimer, so one reading is enough.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.storages._cached_storage import _CachedStorage


class Reading(_CachedStorage):
    """Optuna's own cache with one addition.

    It overrides what Optuna does not promise to keep; a test compares what both read.
    """

    def __init__(self, tables: optuna.storages.RDBStorage) -> None:
        super().__init__(tables)
        self._is_still = False

    @contextmanager
    def still(self) -> Iterator[None]:
        """Answer from the last reading."""
        self._is_still = True
        try:
            yield
        finally:
            self._is_still = False

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        if not self._is_still:
            super()._read_trials_from_remote_storage(study_id)
