"""What it does to the process is seen from outside: page faults of a repeated allocation of 16 MB."""

import subprocess
import sys

import pytest

PROBE = """
import resource, torch
from emotion_hpo.models import keep_freed_memory
print(keep_freed_memory() if {keep} else None)
for _ in range(3):
    torch.ones(4_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(4_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def probe(keep):
    script = PROBE.format(keep=keep)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    known, faults = answer.stdout.split()
    return known, int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_repeated_allocations_fault_few_pages():
    known, faults = probe(keep=True)
    if known == b"False":
        pytest.skip("not glibc")
    assert faults < probe(keep=False)[1] / 3
