"""Processes of a pool, in the hands of a script that has no guard."""

import subprocess
import sys

SCRIPT = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from emotion_hpo.runtime.child_process import without_main_module

print("runs in", os.getpid())
main = sys.modules["__main__"]
with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
    with without_main_module():
        future = pool.submit(abs, -3)
    print("gets", future.result())
assert sys.modules["__main__"] is main
"""


def test_a_script_is_not_run_again_by_the_processes_that_it_starts(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True
    )
    first, *others = ended.stdout.splitlines()
    assert first.startswith("runs in ")
    assert others == ["gets 3"]
