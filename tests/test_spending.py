"""The list at the end of a run tells the slowest tests, and what of their time is waiting."""

import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from tests import spending
from tests.forking import ForkedProcess
from tests.making import ROOT


def report(name, when, seconds, *spent):
    properties = [("another", "x"), *((spending._SPENT, value) for value in spent)]
    return pytest.TestReport(
        name, ("file", 0, name), {}, "passed", None, when, duration=seconds,
        user_properties=properties,
    )  # fmt: skip


def test_the_slowest_come_first_with_all_their_phases(monkeypatch):
    monkeypatch.setattr(spending, "N_SLOWEST", 2)
    lines = []
    reports = [
        report("quick", "call", 1.0, 0.5),
        report("waits", "setup", 2.0, 0.25), report("waits", "call", 30.0, 0.25, 1.5),
        report("computes", "call", 20.0, 19.0),
    ]  # fmt: skip
    stats = {"passed": reports[1:], "failed": reports[:1], "": [object()]}
    spending.pytest_terminal_summary(
        SimpleNamespace(stats=stats, section=lines.append, line=lines.append)
    )
    assert lines[1:] == [
        "   32.0     1.8  waits",
        "   20.0    19.0  computes",
        "   53.0    21.2  all 3 tests",
    ]


def burn(seconds=0.3):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def burn_elsewhere(folder, seconds=0.3):
    with (folder / "output").open("wb") as output:
        process = ForkedProcess(burn, seconds, output=output, error=output)
    process.wait()
    process.stdin.close()


@pytest.mark.parametrize(
    ("act", "is_busy"),
    [(lambda _folder: burn(), True), (burn_elsewhere, True), (lambda _: time.sleep(0.3), False)],
    ids=["here", "in a forked process", "nowhere"],
)
def test_what_is_computed_is_told_from_what_is_waited(tmp_path, act, is_busy):
    if act is burn_elsewhere:
        burn_elsewhere(tmp_path, seconds=0.0)  # the fork server has loaded
    item = SimpleNamespace(user_properties=[], stash=pytest.Stash())
    spending.pytest_runtest_setup(item)
    act(tmp_path)
    end = spending.pytest_runtest_teardown(item)
    next(end)
    with suppress(StopIteration):
        end.send(None)
    ((name, spent),) = item.user_properties
    assert name == spending._SPENT
    assert (spent > 0.25) is is_busy


def test_the_files_that_start_first_are_there(request):
    plugins = request.config.pluginmanager.get_plugins()
    (longest,) = [plugin.LONGEST for plugin in plugins if hasattr(plugin, "LONGEST")]
    assert longest
    assert all((ROOT / file).exists() for file in longest)
