"""The attention decoder against its equations, step by step through autograd."""

import pytest
import torch

from emotion_hpo.models.additive_attention import SATURATED, attend, exponential
from emotion_hpo.models.attention_decoder import AttentionDecoder


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


@pytest.mark.parametrize(("inputs", "units"), [(5, 7), (8, 4)])
def test_equals_its_equations(inputs, units):
    decoder = AttentionDecoder(inputs, units)
    with torch.no_grad():
        decoder.bias.normal_()  # zero at the start, which would hide an error
        decoder.keys_bias.normal_()
    mask = torch.arange(6) < torch.tensor([6, 3, 1, 0])[:, None]
    values = torch.where(mask[:, :, None], torch.randn(4, 6, inputs), 0.0)
    upstream = torch.randn(4, 6, units)

    def answers(function):
        leaf = values.clone().requires_grad_()
        outputs = function(leaf)
        return [outputs, *torch.autograd.grad(outputs, [leaf, *decoder.parameters()], upstream)]

    names = ["outputs", "values", *(name for name, _ in decoder.named_parameters())]
    ours = answers(lambda x: decoder(x, mask))
    plain = answers(lambda x: plainly(decoder, x, mask))
    for name, mine, theirs in zip(names, ours, plain, strict=True):
        torch.testing.assert_close(
            mine, theirs, atol=1e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_outputs_are_distributions():
    decoder = AttentionDecoder(5, 7)
    mask = torch.arange(4) < torch.tensor([[4], [2]])
    torch.testing.assert_close(decoder(torch.randn(2, 4, 5), mask).sum(2), mask.float())


def test_saturated_attention_stays_finite_and_right():
    """Beyond any float's exponential, tanh is one."""
    keys = torch.tensor([[[1e6], [-1e6], [3 * SATURATED]]])
    mask = torch.ones(1, 3).bool()
    values = torch.eye(3)[None]
    found = attend(
        torch.tensor([[50.0]]),
        exponential(keys),
        torch.ones(1),
        mask,
        values,
        buffer_BTU=torch.empty(1, 3, 1),
    )
    # tanh is 1, -1 (or, where both saturate, 0) and 1
    assert found.weights.isfinite().all()
    torch.testing.assert_close(found.weights[0, 0], found.weights[0, 2])
    assert found.weights[0, 1] < found.weights[0, 0]
