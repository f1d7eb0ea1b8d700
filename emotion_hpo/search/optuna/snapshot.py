"""Optuna's cache of a study's trials, which can hold still.

Optuna reads every unfinished trial from the storage whenever somebody asks for trials: a claim asks
four times, and with 64 workers each answer is 64 trials. Within a claim nothing changes but by the
claimer, so one reading is enough.

Trials that are set aside (`deaths.py`) are kept out of Optuna's queue, which would hand them out.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager

import optuna
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

from emotion_hpo.search.optuna.deaths import is_set_aside


class SnapshotStorage(_CachedStorage):
    """Optuna's own cache with two additions.

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

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """All trials; who asks for waiting ones alone, as the queue does, gets none set aside."""
        trials = super().get_all_trials(study_id, deepcopy=deepcopy, states=states)
        if states != (TrialState.WAITING,):
            return trials
        return [trial for trial in trials if not is_set_aside(trial)]

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        if not self._is_still:
            super()._read_trials_from_remote_storage(study_id)
