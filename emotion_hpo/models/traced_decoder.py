"""The loop of the attention decoder in plain operations, as it is traced into another format.

A trace of Python's loop would hold as many steps as the traced batch has. TorchScript keeps the
loop, which becomes ONNX's; `attention_decoder` says what it computes.
"""

import torch
from torch import Tensor


def decode(
    values_BTD: Tensor,
    keys_BTU: Tensor,
    state_BU: Tensor,
    mask_BT: Tensor,
    energy_U: Tensor,
    recurrent_HX: Tensor,
    reset_UU: Tensor,
    context_DG: Tensor,
    bias_G: Tensor,
) -> Tensor:
    """Return the `(B, T, U)` outputs; those of masked steps mean nothing."""
    units = energy_U.size(0)
    output_BU = torch.zeros_like(state_BU)
    outputs: list[Tensor] = []
    for _step in range(values_BTD.size(1)):
        sums_BX = torch.cat([output_BU, state_BU], dim=1) @ recurrent_HX
        energies_BT = torch.tanh(sums_BX[:, :units].unsqueeze(1) + keys_BTU) @ energy_U
        weights_BT = energies_BT.masked_fill(~mask_BT, -1e30).softmax(dim=1)
        context_BD = (weights_BT.unsqueeze(2) * values_BTD).sum(dim=1)
        gates_BG = sums_BX[:, units:] + bias_G + context_BD @ context_DG
        reset_BU = gates_BG[:, :units].sigmoid()
        update_BU = gates_BG[:, units : 2 * units].sigmoid()
        proposal_BU = gates_BG[:, 2 * units : 3 * units] + (reset_BU * state_BU) @ reset_UU
        state_BU = (1 - update_BU) * state_BU + update_BU * proposal_BU.tanh()
        output_BU = gates_BG[:, 3 * units :].softmax(dim=1)
        outputs.append(output_BU)
    return torch.stack(outputs, dim=1)
