"""Processes start and end without the garbage collector."""

import os
import subprocess
import sys

import pytest

from tests.making import ROOT

PROGRAM = """
import gc
import sys


class Cycle:
    def __init__(self):
        self.itself = self

    def __del__(self):
        print("collected")


def main():
    print(sys.argv[1:], gc.isenabled(), gc.get_threshold()[0] > 9999)
    Cycle()
"""


@pytest.mark.parametrize(
    ("start", "printed"),
    [
        (("-c", "import program; program.main()"), ["['a', 'b'] True False", "collected"]),
        (("-m", "emotion_hpo.runtime.start", "program"), ["['a', 'b'] True True"]),
    ],
    ids=["as Python does", "without"],
)
def test_a_module_runs_with_its_arguments(tmp_path, start, printed):
    (tmp_path / "program.py").write_text(PROGRAM)
    ended = subprocess.run(
        [sys.executable, *start, "a", "b"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )
    assert ended.stdout.splitlines() == printed
