"""The reference's speech encoder: an LSTM, then Bahdanau's attention decoder over its states.

At every step the decoder attends over all states with its own, mixes that context with its state
and its last output by the gates of a GRU, and gives a softmax; all outputs are flattened. With
`[y, s]` the last output and state and `c` the context,

    e_τ = v · tanh(W_a s + U_a x_τ + b_a)        c = Σ softmax(e)_τ x_τ
    r, z = sigmoid([y, s, c] W + b)              p = tanh([y, r * s, c] W + b)
    s' = (1 - z) s + z p                         y' = softmax([y, s, c] W + b)

as in the Keras layer that the reference took over (its output looks at the old state). Steps depend
on each other through y and s, so a loop over them is unavoidable; what is slow is what autograd
makes of it. Here loop and gradient are written out: the `(B, T, U)` activations of each step are
computed again instead of kept (a hundred of them would be 300 MB), and the gradients of the weights
are one product over all steps at the end. `additive_attention` and `decoder_cell` hold what lies
between the products, which run in the precision of `torch.autocast`; everything else is in float32.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import AttentionDecoderEncoder
from emotion_hpo.models import alone
from emotion_hpo.models.additive_attention import Attention, exponential
from emotion_hpo.models.cells import RecurrentLayer
from emotion_hpo.models.decoder_cell import DecoderCell
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense, dense_over_steps, is_alone
from emotion_hpo.models.steps import compact, permute_steps, reversal
from emotion_hpo.models.traced_decoder import decode

# Utterances at work are rounded up to a multiple: oneDNN compiles a product for each number of rows
ROWS = 16


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

    def forward(self, values_BTD: Tensor, lengths_B: Tensor) -> Tensor:
        """Decode as many steps as there are; those beyond an utterance's length give zero.

        Args:
            values_BTD: The longest utterance first.
            lengths_B: Valid steps of each, in falling order.
        """
        mask_BT = torch.arange(values_BTD.shape[1], device=lengths_B.device) < lengths_B[:, None]
        device = values_BTD.device.type
        is_autocast = torch.is_autocast_enabled(device)
        kind = torch.get_autocast_dtype(device) if is_autocast else torch.float32
        answers_alone = kind == torch.float32 and is_alone(values_BTD.float())
        with torch.autocast(device, enabled=False):
            values_BTD = values_BTD.float()
            if answers_alone:
                return self._decode_alone(values_BTD, int(lengths_B[0]))
            reset, update, proposal, output = self.from_state.chunk(4, dim=1)
            nothing = torch.zeros_like(self.query)
            recurrent = torch.cat(
                [
                    torch.cat([nothing, self.from_output], dim=1),
                    torch.cat([self.query, reset, update, nothing, output], dim=1),
                ]
            )
            keys_BTU = values_BTD @ self.keys + self.keys_bias
            start_BU = torch.tanh(values_BTD[:, 0] @ self.start)
            weights = (self.energy, recurrent, proposal.contiguous(), self.from_context, self.bias)
            if torch.onnx.is_in_onnx_export():
                loop = torch.jit.script(decode)
                outputs_BTU: Tensor = loop(values_BTD, keys_BTU, start_BU, mask_BT, *weights)
            else:
                outputs_BTU = _Decode.apply(  # type: ignore[no-untyped-call]
                    kind, values_BTD, keys_BTU, start_BU, lengths_B, *weights
                )
        return torch.where(mask_BT[:, :, None], outputs_BTU, 0.0)

    def _decode_alone(self, values_BTD: Tensor, length: int) -> Tensor:
        """Decode one utterance in one compiled loop: a step's dozen products are small then."""
        values_TD = values_BTD[0, :length].contiguous()
        outputs_BTU = values_BTD.new_zeros(1, values_BTD.shape[1], self.units)
        arrays = (
            values_TD,
            exponential(values_TD @ self.keys + self.keys_bias),
            torch.tanh(values_BTD[0, 0] @ self.start),
            self.energy,
            self.query,
            self.from_output,
            self.from_state,
            self.from_context,
            self.bias,
            outputs_BTU[0],
        )
        alone.decode(*(array.detach().numpy() for array in arrays))
        return outputs_BTU


class AttentionDecoderNetwork(nn.Module):
    """LSTM → dropout → attention decoder → dropout → flatten → dense layer.

    In both directions, a second decoder works on each utterance turned around, and its outputs are
    turned back.
    """

    def __init__(
        self, config: AttentionDecoderEncoder, dimensions: int, max_length: int, dropout: float
    ) -> None:
        super().__init__()
        self.recurrent = RecurrentLayer(
            dimensions,
            config.units,
            bidirectional=config.bidirectional,
            recurrent_dropout=config.recurrent_dropout,
        )
        width = self.recurrent.output_units
        self.decoder = nn.ModuleList(
            AttentionDecoder(width, config.units) for _ in range(width // config.units)
        )
        self.dropout = Dropout(dropout)
        self.output = dense(max_length * width, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        values_BTD, _, lengths_B = compact(values_BTD, mask_BT)
        n = lengths_B.shape[0]
        # Stable, by keys of which none are equal: ONNX's sort would not be
        keys_B = n * lengths_B - torch.arange(n, device=lengths_B.device)
        order_B = keys_B.argsort(descending=True)
        lengths_B = lengths_B[order_B]
        states_BTU = self.dropout(self.recurrent(values_BTD[order_B], lengths_B))
        decoded = [self.decoder[0](states_BTU, lengths_B)]
        if len(self.decoder) > 1:
            turn_BT = reversal(lengths_B, values_BTD.shape[1])
            turned_BTU = self.decoder[1](permute_steps(states_BTU, turn_BT, turn_BT), lengths_B)
            decoded.append(permute_steps(turned_BTU, turn_BT, turn_BT))
        decoded_BTU = self.dropout(torch.cat(decoded, dim=2))
        return dense_over_steps(self.output, decoded_BTU)[order_B.argsort()]


class _Decode(torch.autograd.Function):
    """The loop over steps and its gradient; letters of shapes as `DecoderCell` has them."""

    @staticmethod
    def forward(ctx: Any, kind: torch.dtype, *inputs: Tensor) -> Tensor:  # noqa: ANN401 (autograd's own context)
        values_BTD, keys_BTU, start_BU, lengths_B, energy_U, *weights, bias_G = inputs
        recurrent_HX, reset_UU, context_DG = (weight.to(kind) for weight in weights)
        n_steps, units = values_BTD.shape[1], len(energy_U)
        attention = Attention(values_BTD, keys_BTU, energy_U, lengths_B)
        cell = DecoderCell(start_BU, n_steps, bias_G)
        n_rows = _rows_at_work(lengths_B, n_steps)
        for step, n in enumerate(n_rows):
            sums_BX = _product(cell.carried_NBH[step, :n], recurrent_HX)
            context_BD = attention.attend(step, sums_BX)
            reset_BU = cell.open(step, sums_BX, _product(context_BD, context_DG))
            cell.close(step, _product(reset_BU, reset_UU))
        ctx.attention, ctx.cell, ctx.n_rows = attention, cell, n_rows
        ctx.save_for_backward(recurrent_HX, reset_UU, context_DG)
        return cell.carried_NBH[1:, :, :units].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        recurrent_HX, reset_UU, context_DG = ctx.saved_tensors
        attention: Attention = ctx.attention
        cell: DecoderCell = ctx.cell
        del ctx.attention, ctx.cell  # else they stay until the next batch has a loss of its own
        attention.start_backward()
        cell.start_backward(grads[0])
        units = len(reset_UU)
        for step, n in reversed([*enumerate(ctx.n_rows)]):
            d_proposal_BU = cell.close_backward(step, n)
            d_step_BX = cell.open_backward(step, _product(d_proposal_BU, reset_UU.T))
            d_context_BD = _product(d_step_BX[:, units:], context_DG.T)
            attention.backward(step, d_context_BD, d_step_BX)
            cell.d_carried_BH[:n] += _product(d_step_BX, recurrent_HX.T)
        d_values_BTD, d_keys_BTU, d_energy_U = attention.gradients()
        carried_NBH = cell.carried_NBH[:-1]
        resets_NBU = cell.gates_NBG[:, :, :units] * carried_NBH[:, :, units:]
        d_sums_NBX = cell.d_sums_NBX.to(recurrent_HX.dtype)  # once for its three products
        return (
            None,
            d_values_BTD,
            d_keys_BTU,
            cell.d_carried_BH[:, units:],
            None,
            d_energy_U,
            _over_steps(carried_NBH, d_sums_NBX),
            _over_steps(resets_NBU, d_sums_NBX[:, :, 3 * units : -units]),
            _over_steps(attention.contexts_NBD, d_sums_NBX[:, :, units:]),
            cell.d_sums_NBX[:, :, units:].sum(dim=(0, 1)),
        )


def _rows_at_work(lengths_B: Tensor, n_steps: int) -> list[int]:
    """Return how many of the utterances, longest first, have each step.

    On a CPU those that have ended are left out. On a GPU asking for lengths would wait for the
    device, and fewer rows would be no faster.
    """
    if lengths_B.device.type != "cpu":
        return [len(lengths_B)] * n_steps
    step_T = torch.arange(n_steps)
    n_rows_T = (lengths_B[:, None] > step_T).sum(dim=0)
    n_rows: list[int] = (-(-n_rows_T // ROWS) * ROWS).clamp(max=len(lengths_B)).tolist()
    return n_rows


def _product(rows_BI: Tensor, weight_IO: Tensor) -> Tensor:
    """In the weight's precision; the sums of bfloat16, too, go on as float32."""
    return (rows_BI.to(weight_IO.dtype) @ weight_IO).float()


def _over_steps(inputs_NBI: Tensor, grads_NBO: Tensor) -> Tensor:
    """Return the gradient of a weight that every step used, `(I, O)`."""
    return _product(inputs_NBI.flatten(0, 1).T, grads_NBO.flatten(0, 1))


def _vector_range(units: int) -> float:
    # Keras counts both fans of a vector as the root of its length
    return math.sqrt(3 / math.sqrt(units))


def _glorot(inputs: int, units: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(units, inputs)).T.contiguous())


def _orthogonal(inputs: int, units: int) -> nn.Parameter:
    return nn.Parameter(nn.init.orthogonal_(torch.empty(inputs, units)))


def _stack(blocks: list[nn.Parameter]) -> nn.Parameter:
    return nn.Parameter(torch.cat(list(blocks), dim=1).detach())
