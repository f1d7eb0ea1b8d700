"""One step of additive attention and its gradient, without autograd.

With A = exp(2 W s) and K = exp(2 U x), tanh(W s + U x) = 1 - 2 / (1 + A K): exponentials of the
keys are taken once for all steps, and a step costs a product and a quotient for each of its
`(B, T, U)` terms instead of a tanh. Exponents are held below 22, where tanh is 1 in float32 and the
product still finite.

Both functions work in buffers of the caller's: at a hundred steps, fresh memory for each term costs
more than the arithmetic.
"""

from typing import NamedTuple

import torch
from torch import Tensor

SATURATED = 22.0  # exp(4 * 22) < 3.4e38


class Attended(NamedTuple):
    """What a step found: `(B, T)` weights and their `(B, D)` context."""

    weights: Tensor
    context: Tensor


def exponential(sums: Tensor) -> Tensor:
    """`exp(2 sums)`, saturated."""
    return sums.clamp(-SATURATED, SATURATED).mul_(2).exp_()


def attend(
    query_BU: Tensor,
    exp_keys_BTU: Tensor,
    energy_U: Tensor,
    mask_BT: Tensor,
    values_BTD: Tensor,
    *,
    buffer_BTU: Tensor,
) -> Attended:
    """Weigh the values by softmax(energy · tanh(query + keys)) over the valid steps."""
    quotients_BTU = _quotients(query_BU, exp_keys_BTU, buffer_BTU)
    # Σ energy is left out: softmax does not see a constant
    energies_BT = (quotients_BTU @ energy_U).mul_(-2)
    energies_BT.masked_fill_(~mask_BT, torch.finfo(energies_BT.dtype).min)
    weights_BT = torch.where(mask_BT, energies_BT.softmax(dim=1), 0.0)
    return Attended(weights_BT, torch.bmm(weights_BT[:, None], values_BTD).squeeze(1))


def attend_backward(
    found: Attended,
    query_BU: Tensor,
    exp_keys_BTU: Tensor,
    energy_U: Tensor,
    values_BTD: Tensor,
    *,
    d_context_BD: Tensor,
    d_query_BU: Tensor,
    d_keys_BTU: Tensor,
    d_energy_U: Tensor,
    buffers_2BTU: Tensor,
) -> None:
    """Write the query's gradient; add those of keys and energy to what is there.

    Two things are left to the caller, to be done once for all steps: the values' gradient, which is
    weights ⊗ d_context, and the factor 4 energy of the keys' gradient.
    """
    # As a row times a matrix: a matrix times a column is nine times as slow on a CPU
    d_weights_BT = torch.bmm(d_context_BD[:, None], values_BTD.transpose(1, 2)).squeeze(1)
    weighted_BT = found.weights * d_weights_BT
    d_energies_BT = weighted_BT - found.weights * weighted_BT.sum(dim=1, keepdim=True)
    quotients_BTU = _quotients(query_BU, exp_keys_BTU, buffers_2BTU[0])
    # d_energies sum to zero over the steps, so the 1 of 1 - 2 q vanishes
    d_energy_U.addmv_(quotients_BTU.flatten(0, 1).T, d_energies_BT.flatten(), alpha=-2)
    slopes_BTU = buffers_2BTU[1]
    torch.addcmul(quotients_BTU, quotients_BTU, quotients_BTU, value=-1, out=slopes_BTU)
    d_query_BU.copy_(torch.bmm(d_energies_BT[:, None], slopes_BTU).squeeze(1) * (4 * energy_U))
    d_keys_BTU.addcmul_(slopes_BTU, d_energies_BT[:, :, None])


def _quotients(query_BU: Tensor, exp_keys_BTU: Tensor, buffer_BTU: Tensor) -> Tensor:
    """`1 / (1 + A K)`."""
    one = exp_keys_BTU.new_ones(())
    torch.addcmul(one, exp_keys_BTU, exponential(query_BU)[:, None], out=buffer_BTU)
    return buffer_BTU.reciprocal_()
