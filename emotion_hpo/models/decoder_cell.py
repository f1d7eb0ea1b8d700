"""The gates of the attention decoder, a step after the other, and their gradient.

`attention_decoder` says what they compute, and makes the products between them. On a CPU what lies
between two products is one compiled loop; elsewhere it is operations of PyTorch.
"""

import torch
from torch import Tensor

from emotion_hpo.models import cell_loops


class DecoderCell:
    """Gates, outputs and states of one batch; N steps, H = 2U for [y, s], G = 4U for the gates.

    Steps may hold the first n rows alone.

    Attributes:
        carried_NBH: Output and state before each step, and after the last: N + 1.
        gates_NBG: r, z and p of every step so far, and the sums of its output.
        d_carried_BH: The gradient of what the step before carried.
        d_sums_NBX: The gradients of the query, which the attention writes, and of the gates' sums.
    """

    def __init__(self, start_BU: Tensor, n_steps: int, bias_G: Tensor) -> None:
        n, units = start_BU.shape
        self._units, self._bias_G = units, bias_G
        self.carried_NBH = start_BU.new_zeros(n_steps + 1, n, 2 * units)
        self.carried_NBH[0, :, units:] = start_BU
        self.gates_NBG = start_BU.new_zeros(n_steps, n, 4 * units)
        self._is_compiled = start_BU.device.type == "cpu"
        if self._is_compiled:  # once, not at every step
            self._bias, self._steps = (
                bias_G.numpy(),
                (self.carried_NBH.numpy(), self.gates_NBG.numpy()),
            )

    def open(self, step: int, sums_BX: Tensor, from_context_BG: Tensor) -> Tensor:
        """Return r * s.

        Args:
            step: Which.
            sums_BX: What output and state give the query, which is not read, and the gates.
            from_context_BG: What the context gives the gates.
        """
        n, units = len(sums_BX), self._units
        if self._is_compiled:
            reset_BU = torch.empty(n, units)
            sums = (sums_BX.numpy(), from_context_BG.numpy(), self._bias)
            cell_loops.open_gates(step, *sums, *self._steps, reset_BU.numpy())
            return reset_BU
        gates_BG = torch.add(sums_BX[:, units:], self._bias_G, out=self.gates_NBG[step, :n])
        gates_BG += from_context_BG
        gates_BG[:, : 2 * units].sigmoid_()
        return gates_BG[:, :units] * self.carried_NBH[step, :n, units:]

    def close(self, step: int, from_reset_BU: Tensor) -> None:
        """Write what the step carries on, with what r * s gives p."""
        n, units = len(from_reset_BU), self._units
        if self._is_compiled:
            cell_loops.close_gates(step, from_reset_BU.numpy(), *self._steps)
            return
        _, update_BU, proposal_BU, output_BU = self.gates_NBG[step, :n].chunk(4, dim=1)
        state_BU, next_BH = self.carried_NBH[step, :n, units:], self.carried_NBH[step + 1, :n]
        proposal_BU.add_(from_reset_BU).tanh_()
        torch.softmax(output_BU, dim=1, out=next_BH[:, :units])
        torch.lerp(state_BU, proposal_BU, update_BU, out=next_BH[:, units:])

    def start_backward(self, d_outputs_BTU: Tensor) -> None:
        """Make room for the gradients, which are filled from the last step to the first."""
        self._d_outputs_BTU = d_outputs_BTU.contiguous()
        self.d_carried_BH = torch.zeros_like(self.carried_NBH[0])
        self.d_sums_NBX = self.gates_NBG.new_zeros(*self.gates_NBG.shape[:2], 5 * self._units)
        if self._is_compiled:
            self._d_outputs = self._d_outputs_BTU.numpy()
            self._sums = self.d_carried_BH.numpy(), self.d_sums_NBX.numpy()

    def close_backward(self, step: int, n: int) -> Tensor:
        """Write the gradients of z, p and output; return that of p, `(n, U)`."""
        if self._is_compiled:
            cell_loops.close_backward(step, n, self._d_outputs, *self._steps, *self._sums)
            return self.d_sums_NBX[step, :n, 3 * self._units : 4 * self._units]
        _, update_BU, proposal_BU, _ = self.gates_NBG[step, :n].chunk(4, dim=1)
        _, _, d_update_BU, d_proposal_BU, d_output_BU = self.d_sums_NBX[step, :n].chunk(5, dim=1)
        state_BU = self.carried_NBH[step, :n, self._units :]
        output_BU = self.carried_NBH[step + 1, :n, : self._units]
        d_y_BU, d_s_BU = self.d_carried_BH[:n].chunk(2, dim=1)
        d_y_BU = d_y_BU + self._d_outputs_BTU[:n, step]
        total_B1 = (d_y_BU * output_BU).sum(dim=1, keepdim=True)
        d_output_BU.copy_(output_BU * (d_y_BU - total_B1))
        d_proposal_BU.copy_(d_s_BU * update_BU * (1 - proposal_BU.square()))
        d_update_BU.copy_(d_s_BU * (proposal_BU - state_BU) * (update_BU - update_BU.square()))
        return d_proposal_BU

    def open_backward(self, step: int, d_reset_BU: Tensor) -> Tensor:
        """Write the gradient of r by that of r * s; return all of the step, `(n, 5U)`."""
        n = len(d_reset_BU)
        d_step_BX = self.d_sums_NBX[step, :n]
        if self._is_compiled:
            cell_loops.open_backward(step, d_reset_BU.numpy(), *self._steps, *self._sums)
            return d_step_BX
        reset_BU, update_BU = self.gates_NBG[step, :n].chunk(4, dim=1)[:2]
        state_BU = self.carried_NBH[step, :n, self._units :]
        d_step_BX.chunk(5, dim=1)[1].copy_(d_reset_BU * state_BU * (reset_BU - reset_BU.square()))
        d_y_BU, d_s_BU = self.d_carried_BH[:n].chunk(2, dim=1)
        d_s_BU.mul_(1 - update_BU).addcmul_(d_reset_BU, reset_BU)
        d_y_BU.zero_()
        return d_step_BX
