"""LSTM and GRU encoders: words, frames or parts in, pooled states out.

Batches stay padded: the fused kernels (oneDNN, cuDNN) run over whole tensors, and on a CPU a packed
sequence would leave them. Padding on the right cannot reach an earlier state, so the forward
direction needs nothing more. The backward direction is a second layer over each utterance turned
around by its own length: it, too, meets the padding last.
"""

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import GruEncoder, LstmEncoder
from emotion_hpo.models.cells import Gru, Lstm
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense, widths
from emotion_hpo.models.pooling import build_pooling
from emotion_hpo.models.steps import compact, permute_steps, reversal


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


class RecurrentEncoder(nn.Module):
    """LSTM or GRU layers with dropout after each, pooled, then a dense layer.

    Attributes:
        step_units: Width of the states that `steps` returns.
    """

    def __init__(self, config: LstmEncoder | GruEncoder, dimensions: int, dropout: float) -> None:
        super().__init__()
        self.recurrent = nn.ModuleList()
        for units in widths(config.units, config.depth, config.taper):
            layer = RecurrentLayer(
                dimensions,
                units,
                bidirectional=config.bidirectional,
                recurrent_dropout=config.recurrent_dropout,
                cell=Gru if config.name == "gru" else Lstm,
            )
            self.recurrent.append(layer)
            dimensions = layer.output_units
        self.step_units = dimensions
        self.pooling = build_pooling(config.pooling, dimensions, bidirectional=config.bidirectional)
        self.dropout = Dropout(dropout)
        self.output = dense(dimensions, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        return self.pool(*self.steps(values_BTD, mask_BT))

    def steps(self, values_BTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Return the `(B, T, step_units)` states of the valid steps, moved left, and their mask."""
        values_BTD, mask_BT, lengths_B = compact(values_BTD, mask_BT)
        for depth, layer in enumerate(self.recurrent):
            values_BTD = layer(self.dropout(values_BTD) if depth else values_BTD, lengths_B)
        return values_BTD, mask_BT

    def pool(self, states_BTU: Tensor, mask_BT: Tensor) -> Tensor:
        """Pool states to `(B, output_units)`."""
        encoded_BU: Tensor = self.output(self.dropout(self.pooling(states_BTU, mask_BT)))
        return encoded_BU
