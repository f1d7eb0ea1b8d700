"""PyTorch's private names: training without its compiler, and what the processor can do."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import emotion_hpo
from emotion_hpo.runtime.torch_internals import multiplies_bfloat16

STEPS = """
import sys, torch
if sys.argv[1] == "eager":
    from emotion_hpo.runtime.torch_internals import stay_eager
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
print([weight.tolist() for weight in network.parameters()])
print(sum(name.startswith("torch._dynamo.") for name in sys.modules) > 0)
print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item())
"""


def run_steps(how):
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS, how],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(emotion_hpo.__file__).parents[1],
    )
    return process.stdout.splitlines()


@pytest.fixture(scope="module")
def both():
    return run_steps("as it is"), run_steps("eager")


def test_the_weights_are_the_same_and_the_compiler_stays_out(both):
    usual, eager = both
    assert usual[0] == eager[0]
    assert (usual[1], eager[1]) == ("True", "False")


def test_who_asks_for_the_compiler_gets_it(both):
    usual, eager = both
    assert usual[2] == eager[2] == "2.0"


@pytest.mark.skipif(
    not hasattr(torch.cpu, "get_capabilities"), reason="an older torch tells it in no public way"
)
def test_the_processors_bfloat16_is_what_torch_tells_publicly():
    capabilities = torch.cpu.get_capabilities()
    public = capabilities.get("avx512_bf16", False) or capabilities.get("amx_tile", False)
    assert multiplies_bfloat16() is public
