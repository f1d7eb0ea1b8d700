"""Where Optuna keeps a study."""

from typing import Any

import optuna
import sqlalchemy

from emotion_hpo.errors import StudyError
from emotion_hpo.records import RESTORE, StudyHome

#: Seconds that a writer waits for SQLite's lock: longer than any worker ever holds it.
_TIMEOUT_S = 120


def open_sqlite(home: StudyHome) -> optuna.storages.RDBStorage:
    """Open the study's SQLite file; every transaction takes the write lock at its beginning.

    SQLite's deferred transactions fail at once, without waiting, if two of them want to become
    writers; `BEGIN IMMEDIATE` makes them queue. (SQLAlchemy documents this pair of listeners for
    its SQLite dialect.)

    Raises:
        StudyError: The file is no such database.
    """
    try:
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
