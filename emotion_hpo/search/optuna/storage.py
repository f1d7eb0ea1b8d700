"""Where Optuna keeps a study, and the lock under which its slots are claimed.

One machine: a SQLite file in the study's home, and a file lock. Several: a PostgreSQL server, and
an advisory lock there, for a file's lock does not reach another machine on every file system.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
import sqlalchemy
from filelock import FileLock

from emotion_hpo.config.places import StorageConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.search.optuna import postgresql
from emotion_hpo.search.optuna.logging_kept import keep_logging
from emotion_hpo.study import RESTORE, StudyHome

#: Seconds that a writer waits for SQLite's lock: longer than any worker ever holds it.
_TIMEOUT_S = 120


@dataclass(frozen=True)
class StorageHandle:
    """An open storage.

    Attributes:
        tables: Optuna's.
        is_shared: Whether workers of other machines may use it, too.
    """

    tables: optuna.storages.RDBStorage
    home: StudyHome
    is_shared: bool

    def claims(self) -> AbstractContextManager[Callable[[], None]]:
        """Hold the lock of all who claim or end trials; yields a call that fails if it was lost."""
        if self.is_shared:
            return postgresql.claims_lock(self.tables.engine, self.home.name)
        return _file_lock(self.home)


def open_storage(home: StudyHome, config: StorageConfig) -> StorageHandle:
    """Open what the configuration names.

    Raises:
        StudyError: It cannot be opened.
    """
    if config.name == "postgresql":
        return StorageHandle(postgresql.open_server(config), home, is_shared=True)
    return StorageHandle(_open_sqlite(home), home, is_shared=False)


@contextmanager
def _file_lock(home: StudyHome) -> Iterator[Callable[[], None]]:
    with FileLock(home.claims):
        yield lambda: None  # a file's lock is lost with its process alone


def _open_sqlite(home: StudyHome) -> optuna.storages.RDBStorage:
    """Open the study's SQLite file; every transaction takes the write lock at its beginning.

    SQLite's deferred transactions fail at once, without waiting, if two of them want to become
    writers; `BEGIN IMMEDIATE` makes them queue. (SQLAlchemy documents this pair of listeners for
    its SQLite dialect.)

    Raises:
        StudyError: The file is no such database.
    """
    try:
        with keep_logging():
            storage = optuna.storages.RDBStorage(
                f"sqlite:///{home.database.resolve()}",
                engine_kwargs={"connect_args": {"timeout": _TIMEOUT_S}},
            )
        storage.get_all_studies()  # a file may be broken further back than its first page
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
        cause = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
        raise StudyError(
            f"{home.database} cannot be opened as a study: {str(cause).splitlines()[0]}; {RESTORE}"
        ) from None

    @sqlalchemy.event.listens_for(storage.engine, "connect")
    def _no_implicit_begin(connection: Any, _record: object) -> None:  # noqa: ANN401 (DBAPI)
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(storage.engine, "begin")
    def _immediate(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    storage.engine.dispose()  # connections made before the listeners know nothing of them
    return storage
