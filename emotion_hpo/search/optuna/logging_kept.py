"""Loggers as they were, whatever Optuna's migrations do to them.

Where Optuna makes or checks its tables, Alembic configures logging from Optuna's own file, which
disables every logger that exists and replaces the root's handlers: nothing that this package logs
would reach anybody afterwards.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keep_logging() -> Iterator[None]:
    """Restore which loggers are disabled, and the root logger's handlers and level, at the end."""
    loggers = [
        logger
        for logger in logging.root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger)
    ]
    disabled = [logger.disabled for logger in loggers]
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        for logger, is_disabled in zip(loggers, disabled, strict=True):
            logger.disabled = is_disabled
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
