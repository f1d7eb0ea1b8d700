"""All that this package takes from Optuna's private names; tried on Optuna 5.0.0.

`SnapshotStorage` is Optuna's cache of a study's trials, which can hold still. Optuna reads every
unfinished trial from the storage whenever somebody asks for trials: a claim asks four times, and
with 64 workers each answer is 64 trials. Within a claim nothing changes but by the claimer, so one
reading is enough. Optuna's public storages have no such switch, and a cache of our own would have
to be told of every write. `tests/search/test_optuna_internals.py` fails where Optuna changes what
is overridden here.

Trials that are set aside (`deaths.py`) are kept out of Optuna's queue, which would hand them out.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager

import optuna
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

from emotion_hpo.search.optuna.set_aside import is_set_aside


class SnapshotStorage(_CachedStorage):
    """Optuna's own cache, which can hold still and hides trials that are set aside."""

    def __init__(self, tables: optuna.storages.RDBStorage) -> None:
        super().__init__(tables)
        self._is_still = False

    @contextmanager
    def still(self) -> Iterator[None]:
        """Answer from the last reading while the context is entered."""
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
        """Return all trials, in the order of their numbers.

        Whoever requests waiting ones alone, as Optuna's queue does, gets none that is set aside.
        """
        trials = super().get_all_trials(study_id, deepcopy=deepcopy, states=states)
        if states != (TrialState.WAITING,):
            return trials
        return [trial for trial in trials if not is_set_aside(trial)]

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        if not self._is_still:
            super()._read_trials_from_remote_storage(study_id)
