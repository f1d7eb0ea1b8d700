"""The number of cores is what this process may use, not what the machine has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system pins no process")
def test_a_pinned_process_has_the_cores_that_it_is_pinned_to():
    program = """if True:
        import os
        from emotion_hpo.runtime.cores import n_cores
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(n_cores())
    """
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "LOKY_MAX_CPU_COUNT"},
        cwd=Path(__file__).parents[2],
    )
    assert ended.stdout == "1\n"
