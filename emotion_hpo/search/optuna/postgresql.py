"""A study's tables on a PostgreSQL server.

The server's URL may hold a password. It is read where it is used and goes nowhere else: no message
here repeats any of it but host, port and database.
"""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import optuna
import sqlalchemy
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from emotion_hpo.config.places import PostgresqlStorage
from emotion_hpo.errors import StudyError, missing_extra
from emotion_hpo.search.optuna.logging_kept import keep_logging

_FORM = "postgresql://USER:PASSWORD@HOST/DATABASE"

#: A lost connection is to be noticed in half a minute: the system's own limits are hours.
_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "emotion_hpo",
}


_LOCK = sqlalchemy.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = sqlalchemy.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")
_SESSION = sqlalchemy.text("SELECT pg_backend_pid()")


class LockLost(SQLAlchemyError):  # noqa: N818 (named as the state that it is about)
    """Somebody else may hold by now what this process held."""


def read_url(config: PostgresqlStorage) -> sqlalchemy.URL:
    """Read the server's URL from the environment or a file.

    Raises:
        StudyError: There is none.
    """
    if config.url_file is not None:
        where = f"storage.url_file: {config.url_file}"
        try:
            text = config.url_file.expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or type(error).__name__
            raise StudyError(f"{where} cannot be read: {cause}") from None
    else:
        where = f"storage=postgresql: the environment variable {config.url_variable}"
        text = os.environ.get(config.url_variable, "").strip()
    if not text:
        raise StudyError(f"{where} is empty; it must hold {_FORM}")
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError):
        raise StudyError(f"{where} holds no URL of the form {_FORM}") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise StudyError(f"{where} holds no URL of the form {_FORM}")
    if "@" in (url.host or ""):  # what stands before it is the end of a password
        raise StudyError(f"{where} has an '@' too many; in a user or password write it as %40")
    return url.set(drivername="postgresql+psycopg")


def open_server(config: PostgresqlStorage) -> optuna.storages.RDBStorage:
    """Open Optuna's tables, which are made if they are not there.

    Raises:
        StudyError: There is no usable server.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise missing_extra("storage=postgresql", "psycopg", "postgres")
    # A connection that broke is reported by whoever needed it, in one line.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    url = read_url(config)
    text = url.render_as_string(hide_password=False)
    try:
        # Optuna needs several connections at once, but only to make its tables.
        many = {"poolclass": sqlalchemy.NullPool, "connect_args": _CONNECTION}
        with keep_logging():
            optuna.storages.RDBStorage(text, engine_kwargs=many)
        return optuna.storages.RDBStorage(
            text,
            skip_table_creation=True,
            skip_compatibility_check=True,
            engine_kwargs={
                # One connection a worker, which holds its locks, too: a server has about 100. One
                # that broke is not looked for by a ping before every call: the call is repeated.
                "pool_size": 1,
                "max_overflow": 0,
                "connect_args": _CONNECTION,
            },
        )
    except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
        message = f"PostgreSQL {format_server(url)} cannot be used: {find_cause(error)}"
        raise StudyError(without_password(message, url)) from (error if is_away(error) else None)


def format_server(url: sqlalchemy.URL) -> str:
    """Return server and database, without user and password.

    >>> format_server(sqlalchemy.make_url("postgresql://me:secret@db.lab:5433/hpo"))
    'hpo at db.lab:5433'
    """
    return f"{url.database} at {url.host or 'this machine'}:{url.port or 5432}"


def without_password(text: str, url: sqlalchemy.URL) -> str:
    """Return a text in which the URL's password does not occur, whatever the server said."""
    for password in (url.password, url.query.get("password")):
        text = text.replace(str(password), "***") if password else text
    return text


@contextmanager
def claims_lock(engine: sqlalchemy.Engine, study: str) -> Iterator[Callable[[], None]]:
    """Hold a lock on the server by our only connection: whoever dies or is cut off loses it.

    Yields a call that fails if the lock was lost on the way, as by a restart of the server. What
    was done under the lock is done: a connection that breaks at its end is no error.
    """
    name = {"name": f"emotion_hpo/{study}"}
    with engine.connect() as connection:
        connection.execute(_LOCK, name)
        held_by = connection.execute(_SESSION).scalar_one()

    def check() -> None:
        with engine.connect() as connection:
            if connection.execute(_SESSION).scalar_one() != held_by:
                raise LockLost("the server was away while its lock was held")

    try:
        yield check
    finally:
        try:
            with engine.connect() as connection:
                connection.execute(_UNLOCK, name)
        except SQLAlchemyError:
            engine.dispose()  # the lock ends with its connection


def is_away(error: BaseException | None) -> bool:
    """Return whether an error says that the server is away or was while it was queried.

    SQLite's errors are none of these: its locks have been waited for long enough.
    """
    while error is not None:
        is_psycopg = type(getattr(error, "orig", None)).__module__.startswith("psycopg")
        if isinstance(error, DBAPIError) and is_psycopg:
            kinds = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)
            return error.connection_invalidated or isinstance(error, kinds)
        if isinstance(error, sqlalchemy.exc.TimeoutError | LockLost):
            return True  # the connection hangs, or did
        error = error.__cause__ or error.__context__
    return False


def find_cause(error: BaseException | None) -> str:
    """Return the innermost reason of a storage's error, in one line."""
    cause = "no reason is known"
    while error is not None:
        text = str(getattr(error, "orig", None) or error).strip()
        cause = text.splitlines()[0].strip() if text else cause
        if getattr(error, "orig", None) is not None:
            break
        error = error.__cause__ or error.__context__
    return cause
