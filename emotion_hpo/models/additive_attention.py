"""Additive attention of many queries, one after the other, over the same keys; and its gradient.

With A = exp(2 W s) and K = exp(2 U x), tanh(W s + U x) = 1 - 2 / (1 + A K): exponentials of the
keys are taken once for all steps, and a step costs a product and a quotient for each of its
`(B, T, U)` terms instead of a tanh. Exponents are held below 22, where tanh is 1 in float32 and the
product still finite. These terms are never kept: the backward pass computes them again.

On a CPU each step is one compiled loop, which stops at each utterance's length; elsewhere it is a
few operations of PyTorch on masked steps.
"""

import torch
from torch import Tensor

from emotion_hpo.models import loops

SATURATED = loops.SATURATED


class Attention:
    """Weighs the values by softmax(energy · tanh(query + keys)), for one batch.

    A query of the first n rows alone leaves the others' weights and contexts at zero.

    Attributes:
        weights_NBT: Of every step so far.
        contexts_NBD: Weighted sums of the values.
    """

    def __init__(
        self, values_BTD: Tensor, keys_BTU: Tensor, energy_U: Tensor, lengths_B: Tensor
    ) -> None:
        n, n_steps, dimensions = values_BTD.shape
        self.weights_NBT = values_BTD.new_zeros(n_steps, n, n_steps)
        self.contexts_NBD = values_BTD.new_zeros(n_steps, n, dimensions)
        self._exp_queries_NBU = values_BTD.new_zeros(n_steps, n, len(energy_U))
        self._exp_keys_BTU = exponential(keys_BTU)
        self._values_BTD = values_BTD.contiguous()
        self._energy_U = energy_U
        self._lengths_B = lengths_B
        self._mask_BT = torch.arange(n_steps, device=lengths_B.device) < lengths_B[:, None]
        self._is_compiled = values_BTD.device.type == "cpu"
        if self._is_compiled:  # once, not at every step
            fixed = (self._exp_keys_BTU, energy_U, lengths_B, self._values_BTD)
            results = (self._exp_queries_NBU, self.weights_NBT, self.contexts_NBD)
            self._fixed = [tensor.numpy() for tensor in fixed]
            self._results = [tensor.numpy() for tensor in results]

    def attend(self, step: int, sums_BX: Tensor) -> Tensor:
        """Return the `(B, D)` context of a step's queries, the first U columns of `sums_BX`."""
        n = len(sums_BX)
        context_BD = self.contexts_NBD[step, :n]
        if self._is_compiled:
            loops.attend(step, sums_BX.numpy(), *self._fixed, *self._results)
            return context_BD
        query_BU, weights_BT = sums_BX[:, : len(self._energy_U)], self.weights_NBT[step, :n]
        exp_query_BU = self._exp_queries_NBU[step, :n].copy_(exponential(query_BU))
        quotients_BTU = self._quotients(exp_query_BU)
        # Σ energy is left out: softmax does not see a constant
        energies_BT = (quotients_BTU @ self._energy_U).mul_(-2)
        energies_BT.masked_fill_(~self._mask_BT, torch.finfo(energies_BT.dtype).min)
        weights_BT.copy_(torch.where(self._mask_BT, energies_BT.softmax(dim=1), 0.0))
        return torch.sum(weights_BT[:, :, None] * self._values_BTD, dim=1, out=context_BD)

    def start_backward(self) -> None:
        """Make room for the gradients, which `backward` fills from the last step to the first."""
        self._d_keys_BTU = torch.zeros_like(self._exp_keys_BTU)
        self._d_energy_BU = torch.zeros_like(self._exp_queries_NBU[0])
        self._d_contexts_NBD = torch.zeros_like(self.contexts_NBD)
        if self._is_compiled:
            self._sums = self._d_keys_BTU.numpy(), self._d_energy_BU.numpy()

    def backward(self, step: int, d_context_BD: Tensor, d_sums_BX: Tensor) -> None:
        """Write the gradient of a step's queries into the first U columns of `d_sums_BX`."""
        n = len(d_context_BD)
        self._d_contexts_NBD[step, :n] = d_context_BD
        if self._is_compiled:
            slopes = (d_context_BD.numpy(), d_sums_BX.numpy())
            arrays = (*slopes, *self._fixed, *self._results[:2], *self._sums)
            loops.attend_backward(step, *arrays)
            return
        weights_BT, exp_query_BU = self.weights_NBT[step, :n], self._exp_queries_NBU[step, :n]
        d_weights_BT = (d_context_BD[:, None] * self._values_BTD).sum(2)
        weighted_BT = weights_BT * d_weights_BT
        d_energies_BT = weighted_BT - weights_BT * weighted_BT.sum(dim=1, keepdim=True)
        quotients_BTU = self._quotients(exp_query_BU)
        # d_energies sum to zero over the steps, so the 1 of 1 - 2 q vanishes
        self._d_energy_BU -= 2 * (quotients_BTU * d_energies_BT[:, :, None]).sum(1)
        slopes_BTU = (quotients_BTU - quotients_BTU.square()) * d_energies_BT[:, :, None]
        d_query_BU = slopes_BTU.sum(1) * (4 * self._energy_U)
        d_sums_BX[:, : d_query_BU.shape[1]] = d_query_BU
        self._d_keys_BTU += slopes_BTU

    def gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of values, keys and energy, over all steps."""
        weights_BTN = self.weights_NBT.permute(1, 2, 0)
        d_values_BTD = weights_BTN @ self._d_contexts_NBD.transpose(0, 1)
        return d_values_BTD, self._d_keys_BTU.mul_(4 * self._energy_U), self._d_energy_BU.sum(0)

    def _quotients(self, exp_query_BU: Tensor) -> Tensor:
        """`1 / (1 + A K)`."""
        return (1 + exp_query_BU[:, None] * self._exp_keys_BTU).reciprocal_()


def exponential(sums: Tensor) -> Tensor:
    """`exp(2 sums)`, saturated."""
    return sums.clamp(-SATURATED, SATURATED).mul_(2).exp_()
