"""What a process takes of its machine is told as it is."""

import subprocess
import sys
import time

import pytest

from emotion_hpo.features import preparation
from emotion_hpo.runtime import cores
from emotion_hpo.runtime.usage import Meter, own_peak_mb


def test_a_busy_core_is_one_and_a_sleeping_one_none():
    meter, began, end = Meter.start(), time.perf_counter(), time.process_time() + 0.3
    while time.process_time() < end:
        pass
    share = 0.3 / (time.perf_counter() - began)  # 1 on a quiet machine
    assert meter.read()["cpu_cores"] == pytest.approx(share, rel=0.2)
    assert end - 0.001 <= meter.read()["cpu_seconds"] <= time.process_time() + 0.001
    meter = Meter.start()
    time.sleep(0.3)
    assert meter.read()["cpu_cores"] < 0.2


@pytest.mark.parametrize("peak", ["own_peak_mb()", "Meter.start().read()['memory_peak_mb']"])
def test_a_peak_is_the_processs_own(peak):
    """Not that of whoever started it: this process here is far larger."""
    program = f"""
from emotion_hpo.features import preparation
from emotion_hpo.runtime.usage import Meter, own_peak_mb
before = {peak}
held = bytearray(100 * 2**20)
held[::4096] = b"x" * len(held[::4096])
del held
print(before, {peak})
"""
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    before, after = map(float, told.stdout.split())
    assert before < own_peak_mb()
    assert 90 < after - before < 130


def test_many_cores_take_no_more_memory(monkeypatch):
    """Reading a corpus must fit into 1.5 GB on a machine of any size."""
    monkeypatch.setattr(cores, "n_cores", lambda: 64)
    monkeypatch.setattr(preparation, "own_peak_mb", lambda: 300.0)
    monkeypatch.setattr(preparation, "highest_child_peak_mb", lambda: 200.0)
    assert preparation.peak_memory_mb() == 300 + 4 * 200
    monkeypatch.setattr(cores, "n_cores", lambda: 2)
    assert preparation.peak_memory_mb() == 300 + 2 * 200
