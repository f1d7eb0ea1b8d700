"""LSTM or GRU layers over the turns of a dialogue, ahead or in both directions.

With the fused vector x, what is related r, and the states h of the last layer,

    y_t = x_t + W h_t        h = RNN([x, r])

or without the residual y_t = relu(W h_t + b), as the contextual LSTM of Poria et al. (2017) has it.
"""

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import RecurrentContext
from emotion_hpo.dataset.batch import TurnOrder
from emotion_hpo.models.cells import Gru, Lstm, RecurrentLayer
from emotion_hpo.models.context.relations import N_RELATIONS, relations
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense


class RecurrentTurns(nn.Module):
    """Dropout → recurrent layers → dropout → dense layer, added to the fused vector.

    Attributes:
        reads: `past` or `both`.
        context_dropout: Share of the turns that training answers as if each were alone.
    """

    def __init__(self, config: RecurrentContext, units: int) -> None:
        super().__init__()
        self.reads, self.context_dropout = config.reads, config.context_dropout
        self.relations, self.residual = config.relations, config.residual
        inputs = units + (N_RELATIONS if config.relations else 0)
        self.layers = nn.ModuleList()
        for _ in range(config.depth):
            layer = RecurrentLayer(
                inputs,
                config.units,
                bidirectional=config.reads == "both",
                recurrent_dropout=0.0,
                cell=Gru if config.cell == "gru" else Lstm,
            )
            self.layers.append(layer)
            inputs = layer.output_units
        self.dropout = Dropout(config.dropout)
        self.output = dense(inputs, units)

    def forward(self, fused_RLU: Tensor, order: TurnOrder) -> Tensor:
        """Return `(R, L, U)`."""
        values_RLU, lengths_R = self.dropout(fused_RLU), order.mask.sum(1)
        if self.relations:
            values_RLU = torch.cat([values_RLU, relations(order).to(values_RLU.dtype)], dim=2)
        for depth, layer in enumerate(self.layers):
            values_RLU = layer(self.dropout(values_RLU) if depth else values_RLU, lengths_R)
        added_RLU: Tensor = self.output(self.dropout(values_RLU))
        return fused_RLU + added_RLU if self.residual else added_RLU.relu()
