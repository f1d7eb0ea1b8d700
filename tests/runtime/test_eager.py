"""Training without torch's compiler: the same weights, and the compiler for whoever asks for it."""

import subprocess
import sys
from pathlib import Path

import pytest

import emotion_hpo

STEPS = """
import sys, torch
if sys.argv[1] == "eager":
    from emotion_hpo.runtime.eager import stay_eager
    stay_eager()
torch.manual_seed(0)
network = torch.nn.Linear(5, 3)
kinds = (torch.optim.Adam, torch.optim.AdamW, torch.optim.Adadelta, torch.optim.SGD)
for kind in kinds:
    optimizer = kind(network.parameters(), lr=0.1)
    for _ in range(3):
        network(torch.randn(4, 5)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    optimizer.load_state_dict(optimizer.state_dict())
print([one.tolist() for one in network.parameters()])
print(sum(name.startswith("torch._dynamo.") for name in sys.modules) > 0)
print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item())
"""


def ended(how):
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS, how],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(emotion_hpo.__file__).parents[1],
    )
    return found.stdout.splitlines()


@pytest.fixture(scope="module")
def both():
    return ended("as it is"), ended("eager")


def test_the_weights_are_the_same_and_the_compiler_stays_out(both):
    usual, eager = both
    assert usual[0] == eager[0]
    assert (usual[1], eager[1]) == ("True", "False")


def test_who_asks_for_the_compiler_gets_it(both):
    usual, eager = both
    assert usual[2] == eager[2] == "2.0"
