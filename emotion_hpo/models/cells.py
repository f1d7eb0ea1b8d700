"""LSTM and GRU, initialised as Keras does it, on which the reference networks rely; layers of them.

Glorot-uniform weights, orthogonal recurrent ones, and zero biases. The LSTM has a forget-gate bias
of one, and one bias a gate: PyTorch's second is kept for cuDNN's layout, but fixed at zero. The
GRU's second stands inside the reset gate's product, so it learns, as in Keras.

Batches stay padded: the fused kernels (oneDNN, cuDNN) run over whole tensors, and on a CPU a packed
sequence would leave them. Padding on the right cannot reach an earlier state, so the forward
direction needs nothing more. The backward direction is a second layer over each utterance turned
around by its own length: it, too, meets the padding last.
"""

import torch
from torch import Tensor, nn

from emotion_hpo.models import alone
from emotion_hpo.models.layers import is_alone
from emotion_hpo.models.steps import permute_steps, reversal


class _OneDirection(nn.RNNBase):
    """One direction of one recurrent layer over `(B, T, D)`.

    Args:
        inputs: D.
        units: Width of the state.
        recurrent_dropout: Share of the hidden-to-hidden weights that a training batch drops
            (DropConnect, Merity et al. 2017). Keras drops parts of the *state*, drawn for each
            utterance, which no fused kernel can do; dropping weights regularises the same product
            at no cost a step.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, inputs: int, units: int, recurrent_dropout: float = 0.0) -> None:
        super().__init__(inputs, units, batch_first=True)  # type: ignore[call-arg,arg-type] # the cell's
        self.recurrent_dropout = recurrent_dropout
        nn.init.xavier_uniform_(self.weight_ih_l0)
        nn.init.orthogonal_(self.weight_hh_l0)
        nn.init.zeros_(self.bias_ih_l0)
        nn.init.zeros_(self.bias_hh_l0)

    def states(self, values_BTD: Tensor) -> Tensor:
        """Return the `(B, T, units)` states after every step."""
        if self._answers_alone(values_BTD):
            return self._states_alone(values_BTD)
        if not (self.training and self.recurrent_dropout):
            states_BTU: Tensor = self(values_BTD)[0]
            return states_BTU
        dropped_weight = nn.functional.dropout(self.weight_hh_l0, self.recurrent_dropout)
        weights = [self.weight_ih_l0, dropped_weight, self.bias_ih_l0, self.bias_hh_l0]
        start = values_BTD.new_zeros(1, values_BTD.shape[0], self.hidden_size)
        # biases, layers, dropout, training, bidirectional, batch first
        settings = (True, 1, 0.0, True, False, True)
        if isinstance(self, nn.LSTM):
            return torch.lstm(values_BTD, (start, start), weights, *settings)[0]
        return torch.gru(values_BTD, start, weights, *settings)[0]

    def _answers_alone(self, values_BTD: Tensor) -> bool:
        """Return whether a compiled loop answers.

        oneDNN sets each length up that it has not seen: longer than one utterance takes.
        """
        return isinstance(self, nn.LSTM) and is_alone(values_BTD)

    def _states_alone(self, values_BTD: Tensor) -> Tensor:
        """Return the states of one utterance's LSTM by one compiled loop."""
        gates_TG = values_BTD[0] @ self.weight_ih_l0.T + (self.bias_ih_l0 + self.bias_hh_l0)
        states_BTU = values_BTD.new_empty(1, len(gates_TG), self.hidden_size)
        arrays = (gates_TG, self.weight_hh_l0, states_BTU[0])
        alone.lstm(*(array.detach().numpy() for array in arrays))
        return states_BTU


class Lstm(_OneDirection, nn.LSTM):
    """One direction of one LSTM layer over `(B, T, D)`."""

    def __init__(self, inputs: int, units: int, recurrent_dropout: float = 0.0) -> None:
        super().__init__(inputs, units, recurrent_dropout)
        nn.init.ones_(self.bias_ih_l0[units : 2 * units])  # the gates' order: in, forget, cell, out
        self.bias_hh_l0.requires_grad_(False)


class Gru(_OneDirection, nn.GRU):
    """One direction of one GRU layer over `(B, T, D)`."""


class RecurrentLayer(nn.Module):
    """One layer over compacted steps; both directions are concatenated, ahead first."""

    def __init__(
        self,
        inputs: int,
        units: int,
        *,
        bidirectional: bool,
        recurrent_dropout: float,
        cell: type[Lstm | Gru] = Lstm,
    ) -> None:
        super().__init__()
        self.ahead = cell(inputs, units, recurrent_dropout)
        self.back = cell(inputs, units, recurrent_dropout) if bidirectional else None
        self.output_units = units * (2 if bidirectional else 1)

    def forward(self, values_BTD: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the `(B, T, output_units)` states."""
        ahead_BTU: Tensor = self.ahead.states(values_BTD)
        if self.back is None:
            return ahead_BTU
        turn_BT = reversal(lengths_B, values_BTD.shape[1])
        turned_BTU = self.back.states(permute_steps(values_BTD, turn_BT, turn_BT))
        return torch.cat([ahead_BTU, permute_steps(turned_BTU, turn_BT, turn_BT)], dim=2)
