"""Waiting for a storage that is away: a server is restarted, a network hiccups, a search goes on.

Every call of a study to its storage can be made again from its start: what was done before the
server went is found done. So a call that fails because the server is away is repeated until it is
back. A line is logged when the waiting begins, and another when it ends.
"""

import functools
import logging
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

import optuna
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from emotion_hpo.errors import StudyError
from emotion_hpo.runtime.formatting import format_duration
from emotion_hpo.search.optuna.postgresql import find_cause, is_away

_log = logging.getLogger(__name__)

#: Between two tries: at first for a hiccup, then for a restart.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 5.0

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class StorageAway(StudyError):  # noqa: N818 (named as the state that it is about)
    """The user requested an end while the storage was away."""


class StorageRetry:
    """Repeats what fails while the storage is away.

    Args:
        gives_up: Whether somebody has asked for an end at once.
        is_expected: Whether the storage has been open before, so that it will come back: if not,
            the first failure is the user's to mend.
    """

    def __init__(self, gives_up: Callable[[], bool], *, is_expected: bool) -> None:
        self._gives_up = gives_up
        self._is_expected = is_expected
        self.n_outages = 0

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Return the result of a call, as soon as it has one."""
        began = time.monotonic()
        wait = _FIRST_WAIT_S
        is_announced = False
        while True:
            try:
                result = call()
            except (StudyError, SQLAlchemyError, optuna.exceptions.OptunaError) as error:
                if not is_away(error) or not self._is_expected:
                    if (refusal := _explain_refusal(error)) is not None:
                        raise StudyError(refusal) from error
                    raise
                self.n_outages += 1
                if self._gives_up():
                    raise StorageAway(
                        f"the storage is away ({find_cause(error)}); once it is back, the same "
                        "command goes on where this one ended"
                    ) from None
                if not is_announced:
                    _log.warning(f"The storage is away ({find_cause(error)}); waiting for it")
                is_announced = True
                time.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT_S)
            else:
                self._is_expected = True
                if is_announced:
                    away = format_duration(time.monotonic() - began)
                    _log.warning(f"The storage is back after {away}")
                return result


def _explain_refusal(error: Exception) -> str | None:
    """Return what to tell the user where a database is broken, full, locked or read-only."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, DBAPIError):
        link = link.__cause__ or link.__context__
    if link is None or isinstance(error, StudyError):
        return None
    return (
        f"the study's storage cannot be used: {find_cause(link)}; once that is mended (what is "
        "broken, from a copy), the same command goes on where this one ended"
    )


class _HasRetry(Protocol):
    retry: StorageRetry


Owner = TypeVar("Owner", bound=_HasRetry)


def retried(
    method: Callable[Concatenate[Owner, Arguments], Result],
) -> Callable[Concatenate[Owner, Arguments], Result]:
    """Repeat a method while its object's storage is away."""

    @functools.wraps(method)
    def call(self: Owner, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return self.retry(lambda: method(self, *args, **kwargs))

    return cast("Callable[Concatenate[Owner, Arguments], Result]", call)
