"""Gated residual MLP for vectors such as functionals; of a sequence it reads the mean of its steps.

    h = W x + b        h' = h + GLU(W_2 GELU(W_1 LayerNorm(h)))        GLU([v, g]) = v σ(g)

after the gated residual networks of Lim et al. 2021, section 4.1, with the norm ahead of the block
as in a pre-norm transformer. Gates begin nearly closed, so that training starts from a linear map,
which is hard to beat on a few hundred utterances, and opens what helps.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from emotion_hpo.config.model import ResidualMlpEncoder
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense
from emotion_hpo.models.pooling import Mean

CLOSED = -2.0  # a gate's first bias: σ(-2) = 0.12


class GatedBlock(nn.Module):
    """`(B, U)` → `(B, U)`: the input, and what a gated hidden layer adds to it."""

    def __init__(self, units: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(units)
        self.hidden = dense(units, hidden)
        self.proposal = dense(hidden, units)
        self.gate = dense(hidden, units)
        nn.init.constant_(self.gate.bias, CLOSED)
        self.dropout = Dropout(dropout)

    def forward(self, values_BU: Tensor) -> Tensor:
        """Add the gated layer."""
        hidden_BH = self.dropout(F.gelu(self.hidden(self.norm(values_BU))))
        added_BU: Tensor = self.proposal(hidden_BH) * self.gate(hidden_BH).sigmoid()
        return values_BU + added_BU


class ResidualEncoder(nn.Module):
    """Mean → dropout → dense layer → gated blocks → LayerNorm → dropout → dense layer."""

    def __init__(self, config: ResidualMlpEncoder, dimensions: int, dropout: float) -> None:
        super().__init__()
        self.pooling = Mean()
        self.input_norm = nn.LayerNorm(dimensions) if config.input_norm else nn.Identity()
        self.input_dropout = Dropout(config.input_dropout)
        self.input = dense(dimensions, config.units)
        hidden = max(1, round(config.expansion * config.units))
        self.blocks = nn.Sequential(
            *(GatedBlock(config.units, hidden, dropout) for _ in range(config.depth))
        )
        self.norm = nn.LayerNorm(config.units)
        self.dropout = Dropout(dropout)
        self.output = dense(config.units, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the mean of the valid steps as `(B, output_units)`."""
        values_BD = self.input_norm(self.pooling(values_BTD, mask_BT))
        states_BU = self.blocks(self.input(self.input_dropout(values_BD)))
        encoded_BU: Tensor = self.output(self.dropout(self.norm(states_BU)))
        return encoded_BU
