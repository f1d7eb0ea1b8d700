"""The reference's speech encoder: an LSTM, then Bahdanau's attention decoder over its states.

At every step the decoder attends over all states with its own, mixes what it found with its state
and its last output by the gates of a GRU, and gives a softmax; all outputs are flattened. With
`[y, s]` the last output and state and `c` the context,

    e_τ = v · tanh(W_a s + U_a x_τ + b_a)        c = Σ softmax(e)_τ x_τ
    r, z = sigmoid([y, s, c] W + b)              p = tanh([y, r * s, c] W + b)
    s' = (1 - z) s + z p                         y' = softmax([y, s, c] W + b)

as in the Keras layer that the reference took over (its output looks at the old state). Steps depend
on each other through y and s, so a loop over them is unavoidable; what is slow is what autograd
makes of it. Here loop and gradient are written out: the `(B, T, U)` activations of each step are
computed again instead of kept (a hundred of them would be 300 MB), and the gradients of the weights
are one product over all steps at the end. `additive_attention` holds the expensive part.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import AttentionDecoderEncoder
from emotion_hpo.models.additive_attention import Attended, attend, attend_backward, exponential
from emotion_hpo.models.layers import dense
from emotion_hpo.models.recurrent import LstmLayer
from emotion_hpo.models.steps import compact, pad_steps, permute_steps, reversal


class AttentionDecoder(nn.Module):
    """`(B, T, D)` states → `(B, T, U)` outputs.

    Attributes:
        from_output_and_state: `(2U, 5U)`: rows y and s; columns attention, r, z, p, output. Two of
            its ten blocks do not exist and stay zero: y → attention, s → p.
        from_reset: `(U, U)`, r * s → p.
        from_context: `(D, 4U)`, columns r, z, p, output.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.start = _orthogonal(inputs, units)
        self.query = _glorot(units, units)
        self.keys = _glorot(inputs, units)
        self.keys_bias = nn.Parameter(torch.zeros(units))
        self.energy = nn.Parameter(torch.empty(units).uniform_(-1, 1) * _vector_range(units))
        # By gate: reset, update, proposal, output
        self.from_output = _stack([_orthogonal(units, units) for _ in range(4)])
        self.from_state = _stack([_orthogonal(units, units) for _ in range(4)])
        self.from_context = _stack([_orthogonal(inputs, units) for _ in range(4)])
        self.bias = nn.Parameter(torch.zeros(4 * units))

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Decode as many steps as there are; steps where the mask is False give zero."""
        with torch.autocast(values_BTD.device.type, enabled=False):
            values_BTD = values_BTD.float()
            reset, update, proposal, output = self.from_state.chunk(4, dim=1)
            nothing = torch.zeros_like(self.query)
            recurrent = torch.cat(
                [
                    torch.cat([nothing, self.from_output], dim=1),
                    torch.cat([self.query, reset, update, nothing, output], dim=1),
                ]
            )
            outputs_BTU: Tensor = _Decode.apply(  # type: ignore[no-untyped-call]
                values_BTD,
                values_BTD @ self.keys + self.keys_bias,
                torch.tanh(values_BTD[:, 0] @ self.start),
                mask_BT,
                self.energy,
                recurrent,
                proposal.contiguous(),
                self.from_context,
                self.bias,
            )
        return torch.where(mask_BT[:, :, None], outputs_BTU, 0.0)


class AttentionDecoderNetwork(nn.Module):
    """LSTM → dropout → attention decoder → dropout → flatten → dense layer.

    In both directions, a second decoder works on each utterance turned around, and its outputs are
    turned back.
    """

    def __init__(
        self, config: AttentionDecoderEncoder, dimensions: int, max_length: int, dropout: float
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.recurrent = LstmLayer(
            dimensions,
            config.units,
            bidirectional=config.bidirectional,
            recurrent_dropout=config.recurrent_dropout,
        )
        width = self.recurrent.output_units
        self.decoder = nn.ModuleList(
            AttentionDecoder(width, config.units) for _ in range(width // config.units)
        )
        self.dropout = nn.Dropout(dropout)
        self.output = dense(max_length * width, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        values_BTD, mask_BT, lengths_B = compact(values_BTD, mask_BT)
        states_BTU = self.dropout(self.recurrent(values_BTD, lengths_B))
        decoded = [self.decoder[0](states_BTU, mask_BT)]
        if len(self.decoder) > 1:
            turn_BT = reversal(lengths_B, mask_BT.shape[1])
            turned_BTU = self.decoder[1](permute_steps(states_BTU, turn_BT, turn_BT), mask_BT)
            decoded.append(permute_steps(turned_BTU, turn_BT, turn_BT))
        decoded_BTU = self.dropout(torch.cat(decoded, dim=2))
        encoded_BU: Tensor = self.output(pad_steps(decoded_BTU, self.max_length).flatten(1))
        return encoded_BU


class _Decode(torch.autograd.Function):
    """The loop over steps and its gradient; N steps, H = 2U for [y, s], G = 4U for the gates."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:  # noqa: ANN401 (autograd's own context)
        values_BTD, keys_BTU, state_BU, mask_BT, *weights = inputs
        energy_U, recurrent_HX, reset_UU, context_DG, bias_G = weights
        n, n_steps, _ = values_BTD.shape
        units = state_BU.shape[1]
        exp_keys_BTU = exponential(keys_BTU)
        carried_NBH = state_BU.new_zeros(n_steps + 1, n, 2 * units)
        carried_NBH[0, :, units:] = state_BU
        gates_NBG = state_BU.new_empty(n_steps, n, 4 * units)
        buffer_BTU = torch.empty_like(exp_keys_BTU)
        attended: list[Attended] = []
        for step in range(n_steps):
            state_BU = carried_NBH[step, :, units:]
            sums_BX = carried_NBH[step] @ recurrent_HX
            found = attend(
                sums_BX[:, :units],
                exp_keys_BTU,
                energy_U,
                mask_BT,
                values_BTD,
                buffer_BTU=buffer_BTU,
            )
            attended.append(found)
            gates_BG = torch.addmm(bias_G, found.context, context_DG, out=gates_NBG[step])
            gates_BG += sums_BX[:, units:]
            reset_and_update_BX = gates_BG[:, : 2 * units].sigmoid_()
            reset_BU, update_BU = reset_and_update_BX.chunk(2, dim=1)
            proposal_BU = gates_BG[:, 2 * units : 3 * units]
            proposal_BU.addmm_(reset_BU * state_BU, reset_UU).tanh_()
            torch.softmax(gates_BG[:, 3 * units :], dim=1, out=carried_NBH[step + 1, :, :units])
            torch.lerp(state_BU, proposal_BU, update_BU, out=carried_NBH[step + 1, :, units:])
        ctx.attended = attended
        ctx.save_for_backward(values_BTD, exp_keys_BTU, carried_NBH, gates_NBG, *weights[:-1])
        return carried_NBH[1:, :, :units].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        values_BTD, exp_keys_BTU, carried_NBH, gates_NBG, *weights = ctx.saved_tensors
        energy_U, recurrent_HX, reset_UU, context_DG = weights
        attended: list[Attended] = ctx.attended
        n_steps, n, _ = gates_NBG.shape
        units = len(energy_U)
        d_keys_BTU = torch.zeros_like(exp_keys_BTU)
        buffers_2BTU = exp_keys_BTU.new_empty(2, *exp_keys_BTU.shape)
        d_energy_U = torch.zeros_like(energy_U)
        d_carried_BH = carried_NBH.new_zeros(n, 2 * units)
        d_sums_NBX = carried_NBH.new_empty(n_steps, n, 5 * units)  # attention, then the gates
        d_context_NBD = carried_NBH.new_empty(n_steps, n, values_BTD.shape[2])
        for step in reversed(range(n_steps)):
            found = attended[step]
            state_BU = carried_NBH[step, :, units:]
            output_BU = carried_NBH[step + 1, :, :units]
            reset_BU, update_BU, proposal_BU, _ = gates_NBG[step].chunk(4, dim=1)
            d_step_BX = d_sums_NBX[step]
            d_query_BU, d_reset_BU, d_update_BU, d_proposal_BU, d_output_BU = d_step_BX.chunk(5, 1)
            d_y_BU = d_carried_BH[:, :units] + grads[0][:, step]
            d_s_BU = d_carried_BH[:, units:]
            weighted_BU = d_y_BU * output_BU
            total_B1 = weighted_BU.sum(dim=1, keepdim=True)
            torch.addcmul(weighted_BU, output_BU, total_B1, value=-1, out=d_output_BU)
            d_proposal_BU.copy_(d_s_BU * update_BU * (1 - proposal_BU.square()))
            d_update_BU.copy_(d_s_BU * (proposal_BU - state_BU) * (update_BU - update_BU.square()))
            d_product_BU = d_proposal_BU @ reset_UU.T
            d_reset_BU.copy_(d_product_BU * state_BU * (reset_BU - reset_BU.square()))
            d_context_BD = d_step_BX[:, units:] @ context_DG.T
            d_context_NBD[step] = d_context_BD
            query_BU = state_BU @ recurrent_HX[units:, :units]
            attend_backward(
                found,
                query_BU,
                exp_keys_BTU,
                energy_U,
                values_BTD,
                d_context_BD=d_context_BD,
                d_query_BU=d_query_BU,
                d_keys_BTU=d_keys_BTU,
                d_energy_U=d_energy_U,
                buffers_2BTU=buffers_2BTU,
            )
            direct_BU = d_s_BU * (1 - update_BU) + d_product_BU * reset_BU
            d_carried_BH = d_step_BX @ recurrent_HX.T
            d_carried_BH[:, units:] += direct_BU
        weights_BTN = torch.stack([found.weights for found in attended], dim=2)
        contexts_NBD = torch.stack([found.context for found in attended])
        d_gates_NBG = d_sums_NBX[:, :, units:]
        states_NBU = carried_NBH[:-1, :, units:]
        return (
            weights_BTN @ d_context_NBD.transpose(0, 1),
            d_keys_BTU.mul_(4 * energy_U),
            d_carried_BH[:, units:],
            None,
            d_energy_U,
            _over_steps(carried_NBH[:-1], d_sums_NBX),
            _over_steps(gates_NBG[:, :, :units] * states_NBU, d_sums_NBX[:, :, 3 * units : -units]),
            _over_steps(contexts_NBD, d_gates_NBG),
            d_gates_NBG.sum(dim=(0, 1)),
        )


def _over_steps(inputs_NBI: Tensor, grads_NBO: Tensor) -> Tensor:
    """The gradient of a weight that every step used: `(I, O)`."""
    return inputs_NBI.flatten(0, 1).T @ grads_NBO.flatten(0, 1)


def _vector_range(units: int) -> float:
    # Keras counts both fans of a vector as the root of its length
    return math.sqrt(3 / math.sqrt(units))


def _glorot(inputs: int, units: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(units, inputs)).T.contiguous())


def _orthogonal(inputs: int, units: int) -> nn.Parameter:
    return nn.Parameter(nn.init.orthogonal_(torch.empty(inputs, units)))


def _stack(blocks: list[nn.Parameter]) -> nn.Parameter:
    return nn.Parameter(torch.cat(list(blocks), dim=1).detach())
