"""Each pooling against a plain loop over utterances and steps: outputs and gradients."""

import pytest
import torch

from emotion_hpo.models.pooling import build_pooling

NAMES = ["last", "first", "mean", "max", "attention"]


def plainly(name, pooling, states_BTD, mask_BT, *, bidirectional=False):
    """One vector an utterance, step by step."""
    pooled = []
    for states_TD, mask_T in zip(states_BTD, mask_BT, strict=True):
        valid = [state for state, is_valid in zip(states_TD, mask_T, strict=True) if is_valid]
        if not valid:
            pooled.append(torch.zeros_like(states_TD[0]))
        elif name == "last" and bidirectional:
            half = len(valid[0]) // 2
            pooled.append(torch.cat([valid[-1][:half], valid[0][half:]]))
        elif name == "last":
            pooled.append(valid[-1])
        elif name == "first":
            pooled.append(valid[0])
        elif name == "mean":
            pooled.append(sum(valid) / len(valid))
        elif name == "max":
            pooled.append(torch.stack(valid).max(0).values)
        else:
            energies = torch.stack([pooling.query(pooling.hidden(s).tanh())[0] for s in valid])
            weights = energies.exp() / energies.exp().sum()
            pooled.append(sum(w * s for w, s in zip(weights, valid, strict=True)))
    return torch.stack(pooled)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_equals_a_plain_loop(name, bidirectional):
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]).bool()
    states = torch.randn(4, 4, 6)
    states[~mask] = torch.nan
    pooling = build_pooling(name, 6, bidirectional=bidirectional)
    upstream = torch.randn(4, 6)

    def answers(function):
        leaf = states.clone().requires_grad_()
        pooled = function(leaf)
        wanted = [leaf, *(w for w in pooling.parameters() if w.requires_grad)]
        return [pooled, *torch.autograd.grad(pooled, wanted, upstream)]

    ours = answers(lambda x: pooling(x, mask))
    plain = answers(lambda x: plainly(name, pooling, x, mask, bidirectional=bidirectional))
    for mine, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
