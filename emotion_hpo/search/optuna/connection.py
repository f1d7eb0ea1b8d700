"""A study's open storage: Optuna's tables, its study over them, and the lock of all who claim.

Everything here is opened at its first use, so that a call that is repeated while the storage is
away (`retry.py`) opens it, too. The modules beside this one read and write a study through it.
"""

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from emotion_hpo.config import SearchConfig
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.search.optuna.frozen import is_hidden
from emotion_hpo.search.optuna.identity import check_identity, check_records
from emotion_hpo.search.optuna.internals import SnapshotStorage
from emotion_hpo.search.optuna.sampling import pruner
from emotion_hpo.search.optuna.storage import StorageHandle, open_storage
from emotion_hpo.study import StudyHome


class Connection:
    """What a process has open of a study.

    Args:
        home: The study's files.
        config: What is searched.
        n_trainings: Of a trial, over folds and seeds.
    """

    def __init__(self, home: StudyHome, config: SearchConfig, n_trainings: int) -> None:
        self.home = home
        self.config = config
        self.n_trainings = n_trainings

    @cached_property
    def storage(self) -> StorageHandle:
        """Optuna's tables; a Connection that is dropped closes what it has open to them."""
        storage = open_storage(self.home, self.config.storage)
        weakref.finalize(self, storage.tables.engine.dispose)
        return storage

    @cached_property
    def snapshot(self) -> SnapshotStorage:
        """The cache through which the study reads its trials."""
        return SnapshotStorage(self.storage.tables)

    @cached_property
    def study(self) -> optuna.Study:
        """Optuna's study, made if it is not there.

        Raises:
            StudyError: The storage and the study's folder do not belong together.
        """
        study = optuna.create_study(
            storage=self.snapshot,
            study_name=self.home.name,
            directions=_directions(self.config),
            pruner=pruner(self.config, self.n_trainings),
            load_if_exists=True,
        )
        if self.storage.is_shared:
            check_identity(study, self.home)
        check_records(study, self.home)
        return study

    @cached_property
    def _study_id(self) -> int:
        return self.snapshot.get_study_id_from_name(self.study.study_name)

    def lock(self) -> AbstractContextManager[Callable[[], None]]:
        """Hold the lock of all who claim or end trials; yields a call that fails if it was lost."""
        return self.storage.claims()

    def trials(self) -> list[FrozenTrial]:
        """Return all of Optuna's trials, in the order of their numbers, hidden ones included."""
        return self.study.get_trials(deepcopy=False)

    def visible_trials(self) -> list[FrozenTrial]:
        """Return the trials that are the study's own."""
        return [trial for trial in self.trials() if not is_hidden(trial)]

    def trial_id(self, number: int) -> int:
        """Return the key of a trial in Optuna's tables."""
        return self.snapshot.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def read_trial(self, number: int) -> FrozenTrial:
        """Read a trial as it stands in the storage, alone: all of them would be many."""
        return self.storage.tables.get_trial(self.trial_id(number))

    def set_attr(self, number: int, name: str, value: object) -> None:
        """Set an attribute of a trial.

        Raises:
            optuna.exceptions.UpdateFinishedTrialError: The trial has ended.
        """
        self.storage.tables.set_trial_user_attr(self.trial_id(number), name, value)

    def lock_file(self, number: int) -> Path:
        """Return the file that is locked while a trial is trained; its folder is there by then."""
        trial_home = self.home.trial(number)
        trial_home.path.mkdir(parents=True, exist_ok=True)
        return trial_home.lock


def _directions(config: SearchConfig) -> list[StudyDirection]:
    is_maximised = find_metric(config.study.objective).sign > 0
    first = StudyDirection.MAXIMIZE if is_maximised else StudyDirection.MINIMIZE
    has_second = config.study.second_objective is not None
    return [first, StudyDirection.MINIMIZE] if has_second else [first]
