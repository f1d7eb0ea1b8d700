"""What a test needs of the machine: without it, it is skipped, with the line that installs it.

Where continuous integration runs, everything is there: a gap fails.
"""

import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest

#: Installs programs, as `make check` does first.
SETUP = "bash tests/setup.sh"


def need(what: str, is_there: object, line: str = SETUP) -> None:
    """Skip the test, or the module that is being loaded, where something is not installed."""
    _skip_unless(is_there, f"{what} is not installed: {line}")


def need_root(what: str) -> None:
    """Skip where the tests do not run as root."""
    _skip_unless(os.getuid() == 0, f"{what} run as root alone: sudo --preserve-env make test")


def _skip_unless(is_there: object, reason: str) -> None:
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


def need_program(name: str, line: str = SETUP) -> None:
    """Skip where a program is not on the path."""
    need(name, shutil.which(name), line)


def need_module(name: str, extra: str) -> ModuleType:
    """Return a module of an extra; skip where it is not installed."""
    need(name, find_spec(name), f"pip install -e '.[{extra}]'")
    return import_module(name)
