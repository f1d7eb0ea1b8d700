"""Transformer encoder: words, frames, parts or one vector in, pooled states out.

Blocks are pre-norm, so that a deep one trains without a warm-up of the learning rate. Steps keep
the positions that they have in the utterance: a lost frame is not seen, but the time it took is.
"""

from torch import Tensor, nn

from emotion_hpo.config.model import TransformerEncoder
from emotion_hpo.models.attention_block import AttentionBlock, Rotation
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense
from emotion_hpo.models.pooling import build_pooling


class TransformerNetwork(nn.Module):
    """Dense layer → blocks of self-attention → LayerNorm → pooling → dense layer.

    Attributes:
        step_units: Width of the states that `steps` returns.
    """

    def __init__(self, config: TransformerEncoder, dimensions: int, dropout: float) -> None:
        super().__init__()
        self.step_units = config.units
        self.head_units = config.units // config.heads
        self.input = dense(dimensions, config.units)
        self.blocks = nn.ModuleList(
            AttentionBlock(config.units, config.heads, config.feed_forward, dropout)
            for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.units)
        self.pooling = build_pooling(config.pooling, config.units)
        self.dropout = Dropout(dropout)
        self.output = dense(config.units, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        return self.pool(*self.steps(values_BTD, mask_BT))

    def steps(self, values_BTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Return the `(B, T, step_units)` states, and the mask."""
        rotation = Rotation(values_BTD.shape[1], self.head_units, values_BTD.device)
        states_BTU = self.dropout(self.input(values_BTD))
        for block in self.blocks:
            states_BTU = block(states_BTU, mask_BT, rotation=rotation)
        return self.norm(states_BTU), mask_BT

    def pool(self, states_BTU: Tensor, mask_BT: Tensor) -> Tensor:
        """Pool states to `(B, output_units)`."""
        encoded_BU: Tensor = self.output(self.dropout(self.pooling(states_BTU, mask_BT)))
        return encoded_BU
