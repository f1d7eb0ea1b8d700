"""The attention decoder against its equations, step by step through autograd."""

import pytest
import torch

from emotion_hpo.models import attention_decoder
from emotion_hpo.models.additive_attention import SATURATED, Attention
from emotion_hpo.models.attention_decoder import ROWS, AttentionDecoder
from emotion_hpo.models.decoder_cell import DecoderCell


def plainly(decoder, values_BTD, mask_BT):
    """The Keras layer that the reference took over, with masked steps left out of the softmax."""
    w_r, w_z, w_p, w_o = decoder.from_output.chunk(4, 1)
    u_r, u_z, u_p, u_o = decoder.from_state.chunk(4, 1)
    c_r, c_z, c_p, c_o = decoder.from_context.chunk(4, 1)
    b_r, b_z, b_p, b_o = decoder.bias.chunk(4)
    keys = values_BTD @ decoder.keys + decoder.keys_bias
    s = torch.tanh(values_BTD[:, 0] @ decoder.start)
    y = torch.zeros_like(s)
    outputs = []
    for _ in range(values_BTD.shape[1]):
        energies = torch.tanh((s @ decoder.query)[:, None] + keys) @ decoder.energy
        terms = energies.exp() * mask_BT
        weights = terms / terms.sum(1, keepdim=True).clamp(min=1e-30)
        c = (weights[:, :, None] * values_BTD).sum(1)
        r = torch.sigmoid(y @ w_r + s @ u_r + c @ c_r + b_r)
        z = torch.sigmoid(y @ w_z + s @ u_z + c @ c_z + b_z)
        p = torch.tanh(y @ w_p + (r * s) @ u_p + c @ c_p + b_p)
        y, s = torch.softmax(y @ w_o + s @ u_o + c @ c_o + b_o, 1), (1 - z) * s + z * p
        outputs.append(y)
    return torch.stack(outputs, 1) * mask_BT[:, :, None]


@pytest.mark.parametrize(
    ("inputs", "units", "lengths"),
    [
        (5, 7, [6, 3, 1, 0]),
        (8, 4, [6, 3, 1, 0]),
        (5, 4, [6] * (ROWS + 3) + [4] * ROWS + [2, 1, 1, 0]),  # fewer and fewer rows at work
    ],
    ids=["narrow", "wide", "many rows"],
)
def test_equals_its_equations(inputs, units, lengths):
    decoder = AttentionDecoder(inputs, units)
    with torch.no_grad():
        decoder.bias.normal_()  # zero at the start, which would hide an error
        decoder.keys_bias.normal_()
    lengths = torch.tensor(lengths)
    mask = torch.arange(6) < lengths[:, None]
    values = torch.where(mask[:, :, None], torch.randn(len(lengths), 6, inputs), 0.0)
    upstream = torch.randn(len(lengths), 6, units)

    def answers(function):
        leaf = values.clone().requires_grad_()
        outputs = function(leaf)
        return [outputs, *torch.autograd.grad(outputs, [leaf, *decoder.parameters()], upstream)]

    names = ["outputs", "values", *(name for name, _ in decoder.named_parameters())]
    ours = answers(lambda x: decoder(x, lengths))
    plain = answers(lambda x: plainly(decoder, x, mask))
    for name, mine, theirs in zip(names, ours, plain, strict=True):
        torch.testing.assert_close(
            mine, theirs, atol=1e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_compiled_and_plain_gates_agree(monkeypatch):
    """The loops for the CPU and the operations for other devices, with rows that end earlier."""
    decoder = AttentionDecoder(5, 7)
    values, upstream = torch.randn(ROWS + 4, 6, 5), torch.randn(ROWS + 4, 6, 7)
    lengths = torch.tensor([6] * ROWS + [4, 3, 3, 1])

    def answers(is_compiled):
        class Cell(DecoderCell):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                self._is_compiled = is_compiled

        monkeypatch.setattr(attention_decoder, "DecoderCell", Cell)
        leaf = values.clone().requires_grad_()
        outputs = decoder(leaf, lengths)
        return [outputs, *torch.autograd.grad(outputs, [leaf, *decoder.parameters()], upstream)]

    for compiled, plain in zip(answers(True), answers(False), strict=True):
        torch.testing.assert_close(compiled, plain, atol=1e-5, rtol=1e-5)


def test_outputs_are_distributions():
    decoder = AttentionDecoder(5, 7)
    lengths = torch.tensor([4, 2])
    sums = decoder(torch.randn(2, 4, 5), lengths).sum(2)
    torch.testing.assert_close(sums, (torch.arange(4) < lengths[:, None]).float())


@pytest.mark.parametrize("device", ["cpu", "elsewhere"])
def test_saturated_attention_stays_finite_and_right(device, monkeypatch):
    """Beyond any float's exponential, tanh is one."""
    keys = torch.tensor([[[1e6], [-1e6], [3 * SATURATED]]])
    attention = Attention(torch.eye(3)[None], keys, torch.ones(1), torch.tensor([3]))
    monkeypatch.setattr(attention, "_is_compiled", device == "cpu")
    attention.attend(0, torch.tensor([[50.0]]))
    weights = attention.weights_NBT[0, 0]
    # tanh is 1, -1 (or, where both saturate, 0) and 1
    assert weights.isfinite().all()
    torch.testing.assert_close(weights[0], weights[2])
    assert weights[1] < weights[0]


def test_compiled_and_plain_attention_agree():
    """The loops for the CPU and the operations for other devices, several queries in a row."""
    lengths = torch.tensor([5, 3, 1])
    values, keys = torch.randn(3, 5, 4), torch.randn(3, 5, 6)
    queries, upstream = torch.randn(2, 3, 6), torch.randn(2, 3, 4)

    def answers(is_compiled):
        attention = Attention(values, keys, torch.linspace(-1, 1, 6), lengths)
        attention._is_compiled = is_compiled
        contexts = [attention.attend(step, queries[step]).clone() for step in range(2)]
        attention.start_backward()
        d_queries = torch.empty(2, 3, 6)
        for step in (1, 0):
            attention.backward(step, upstream[step], d_queries[step])
        return [*contexts, d_queries, *attention.gradients()]

    for compiled, plain in zip(answers(True), answers(False), strict=True):
        torch.testing.assert_close(compiled, plain, atol=1e-5, rtol=1e-5)


def test_in_bfloat16_the_answers_are_near():
    decoder = AttentionDecoder(5, 7)
    values, lengths = torch.randn(20, 6, 5), torch.full((20,), 6)
    exact = decoder(values, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        rough = decoder(values, lengths)
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).abs().max() < 0.02
