import pytest
import torch

from emotion_hpo.models.dropout import Dropout, relu_dropout
from emotion_hpo.models.dropout_loops import BLOCK

LAYOUTS = {
    "contiguous": lambda x: x,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "strided": lambda x: x.transpose(2, 3),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.999])
def test_keeps_or_drops_and_the_gradient_agrees(rate, layout, dtype):
    leaf = torch.randn(5, 8, 31, 33, requires_grad=True)
    values = layout(leaf.to(dtype)).clone()
    before = values.detach().clone()
    output = relu_dropout(values, rate)
    alive = output != 0
    torch.testing.assert_close(output[alive], before.relu()[alive], rtol=0, atol=0)
    assert not output[before < 0].any()
    output.float().square().sum().backward()  # its gradient is no constant
    torch.testing.assert_close(layout(leaf.grad.to(dtype)), 2 * output, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [*LAYOUTS.values(), lambda x: x[:, :3]], ids=[*LAYOUTS, "part"])
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.999])
def test_dropout_keeps_the_mean_and_the_gradient_agrees(rate, layout, dtype):
    leaf = torch.randn(5, 8, 31, 33, requires_grad=True)
    values = layout(leaf.to(dtype))
    output = Dropout(rate)(values)
    alive = output != 0
    expected = (values / (1 - rate)) * alive
    torch.testing.assert_close(output, expected)
    (output.float() * values.detach().float()).sum().backward()
    torch.testing.assert_close(layout(leaf.grad.to(dtype)), expected.detach())


def test_dropout_does_nothing_outside_training():
    values = torch.randn(100)
    assert Dropout(0.5).eval()(values) is values


N = 256 * BLOCK


def dropped(n, rate):
    """1 where a unit was dropped, else 0."""
    return (relu_dropout(torch.ones(n), rate) == 0).float()


def test_the_rate_is_the_rate():
    n = N + 5
    for rate in (0.05, 0.5, 0.9):
        assert abs(float(dropped(n, rate).mean()) - rate) < 5 * (rate * (1 - rate) / n) ** 0.5


def test_units_are_dropped_independently():
    centred = dropped(N, 0.5) - 0.5
    for lag in (1, 2, 3, 4, 8, 64, 256, BLOCK, 2 * BLOCK):
        assert abs(float((centred[lag:] * centred[:-lag]).mean())) < 5 * 0.25 / N**0.5


def test_same_seed_same_mask():
    def drawn(seed):
        torch.manual_seed(seed)
        return dropped(1000, 0.5)

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))


def test_draws_are_independent():
    draws = torch.stack([dropped(N, 0.5) for _ in range(5)])
    correlations = torch.corrcoef(draws) - torch.eye(5)
    assert correlations.abs().max() < 5 / N**0.5


def test_every_random_bit_counts():
    """A rate of one half, quarter, eighth … asks one more of the 16 bits each time."""
    for bit in range(1, 12):
        share = float(dropped(N, 1 - 2.0**-bit).mean())
        expected = 1 - 2.0**-bit
        assert abs(share - expected) < 5 * (expected * (1 - expected) / N) ** 0.5
