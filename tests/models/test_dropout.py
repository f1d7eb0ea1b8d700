import pytest
import torch

from emotion_hpo.models.dropout import CHUNK, _random_bits, relu_dropout

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


def test_the_rate_is_the_rate():
    n = 3 * CHUNK + 5
    for rate in (0.05, 0.5, 0.9):
        dropped = (relu_dropout(torch.ones(n), rate) == 0).float().mean()
        assert abs(float(dropped) - rate) < 5 * (rate * (1 - rate) / n) ** 0.5


def test_units_are_dropped_independently():
    dropped = (relu_dropout(torch.ones(CHUNK), 0.5) == 0).float() - 0.5
    for lag in (1, 2, 3, 4, 8, 64, 256):
        assert abs(float((dropped[lag:] * dropped[:-lag]).mean())) < 5 * 0.25 / CHUNK**0.5


def test_same_seed_same_mask():
    def drawn(seed):
        torch.manual_seed(seed)
        return relu_dropout(torch.ones(1000), 0.5)

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))


def test_chunks_are_dropped_independently():
    """They come of one draw by a hash."""
    n_chunks = 5
    dropped = (relu_dropout(torch.ones(n_chunks * CHUNK), 0.5) == 0).float() - 0.5
    correlations = torch.corrcoef(dropped.view(n_chunks, CHUNK)) - torch.eye(n_chunks)
    assert correlations.abs().max() < 5 / CHUNK**0.5


def test_every_random_bit_is_fair():
    bits = torch.stack([one.clone() for one in _random_bits(8)]).flatten()
    for place in range(16):
        share = float(((bits >> place) & 1).float().mean())
        assert abs(share - 0.5) < 5 * 0.5 / len(bits) ** 0.5, f"bit {place}"


def test_without_dropout_it_is_relu():
    values = torch.randn(50)
    assert torch.equal(relu_dropout(values.clone(), 0.0), values.relu())
