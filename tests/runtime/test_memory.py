"""What it does to the process is seen from outside: page faults of steps that allocate alike."""

import subprocess
import sys

import pytest

PROBE = """
import random, resource, torch
from emotion_hpo.models import keep_freed_memory
print(keep_freed_memory() if {keep} else None)
drawn = random.Random(0)

def step():
    n = drawn.randrange(100_000, 1_000_000)  # batches differ in length
    held = [torch.ones(n * (1 + layer % 5)) for layer in range(30)]

for _ in range(20):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def probe(keep):
    script = PROBE.format(keep=keep)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    known, faults = answer.stdout.split()
    return known, int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_repeated_steps_fault_few_pages():
    known, faults = probe(keep=True)
    if known == b"False":
        pytest.skip("not glibc")
    assert faults < probe(keep=False)[1] / 3
