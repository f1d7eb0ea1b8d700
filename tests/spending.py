"""What the slowest tests spend, printed at the end of a run: seconds, and how busy a core was."""

import os
from collections import defaultdict
from collections.abc import Generator
from contextlib import suppress
from multiprocessing import forkserver

import psutil
import pytest

#: Tests that are listed.
N_SLOWEST = 20

#: Under this name the last report of a test carries its processor seconds.
_SPENT = "processor_s"

#: What had been spent when a test began.
_BEGAN = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin: fixtures of a module or a session count for the test that needs them first."""
    item.stash[_BEGAN] = _processor_s()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Note what the test has spent, the ends of its fixtures, too."""
    try:
        return (yield)
    finally:
        item.user_properties.append((_SPENT, _processor_s() - item.stash[_BEGAN]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the slowest tests: all that waits stands out by few busy seconds."""
    seconds: dict[str, float] = defaultdict(float)
    busy: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid] += report.duration
                of_test = [value for name, value in report.user_properties if name == _SPENT]
                busy[report.nodeid] = max(busy[report.nodeid], sum(map(float, of_test)))
    slowest = sorted(seconds, key=seconds.__getitem__, reverse=True)[:N_SLOWEST]
    if not slowest:
        return
    terminalreporter.section(f"slowest {len(slowest)} tests: seconds, and seconds of a processor")
    for test in slowest:
        terminalreporter.line(f"{seconds[test]:7.1f} {busy[test]:7.1f}  {test}")
    terminalreporter.line(
        f"{sum(seconds.values()):7.1f} {sum(busy.values()):7.1f}  all {len(seconds)} tests"
    )


def _processor_s() -> float:
    """Return the seconds of this process, of the fork server, and of their ended children."""
    spent = sum(os.times()[:4])
    server = forkserver._forkserver._forkserver_pid
    if server is not None:
        with suppress(psutil.NoSuchProcess):
            spent += sum(psutil.Process(server).cpu_times()[:4])
    return spent
