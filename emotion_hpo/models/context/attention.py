"""Self-attention over a window of turns: each block sees `reach` of them before, or on both sides.

The blocks are those of the transformer encoder, whose rotary positions know the distance between
two turns and not where the dialogue began. A learnt number a head is added to the energy of pairs
of turns that are one speaker's, which distances cannot tell.
"""

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import AttentionContext
from emotion_hpo.dataset.batch import TurnOrder
from emotion_hpo.models.attention_block import AttentionBlock, Rotation
from emotion_hpo.models.context.relations import N_RELATIONS, is_same_speaker, relations
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense


class WindowedAttention(nn.Module):
    """Dense layer → blocks of attention → LayerNorm → dense layer, added to the fused vector.

    Attributes:
        reads: `past` or `both`.
        context_dropout: Share of the turns that training answers as if each were alone.
    """

    def __init__(self, config: AttentionContext, units: int) -> None:
        super().__init__()
        self.reads, self.context_dropout = config.reads, config.context_dropout
        self.reach, self.head_units = config.reach, config.units // config.heads
        self.input = dense(units + N_RELATIONS, config.units)
        self.blocks = nn.ModuleList(
            AttentionBlock(config.units, config.heads, config.feed_forward, config.dropout)
            for _ in range(config.depth)
        )
        self.same_speaker = nn.ParameterList(
            nn.Parameter(torch.zeros(config.heads)) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.units)
        self.dropout = Dropout(config.dropout)
        self.output = dense(config.units, units)

    def forward(self, fused_RLU: Tensor, order: TurnOrder) -> Tensor:
        """Return `(R, L, U)`."""
        related_RL2 = relations(order).to(fused_RLU.dtype)
        states_RLU = self.input(torch.cat([self.dropout(fused_RLU), related_RL2], dim=2))
        rotation = Rotation(fused_RLU.shape[1], self.head_units, fused_RLU.device)
        is_seen_RLL, same_RLL = self._window(order.mask), is_same_speaker(order).float()
        for block, weight_H in zip(self.blocks, self.same_speaker, strict=True):
            energy_RHLL = weight_H[:, None, None] * same_RLL[:, None]
            energy_RHLL = energy_RHLL.masked_fill(~is_seen_RLL[:, None], -torch.inf)
            states_RLU = block(states_RLU, order.mask, rotation=rotation, energy_BHTS=energy_RHLL)
        added_RLU: Tensor = self.output(self.dropout(self.norm(states_RLU)))
        return fused_RLU + added_RLU

    def _window(self, mask_RL: Tensor) -> Tensor:
        """Return `(R, L, L)`, which turns each sees; a masked place sees itself alone."""
        step_L = torch.arange(mask_RL.shape[1], device=mask_RL.device)
        ahead_LL = step_L[None] - step_L[:, None]
        furthest = self.reach if self.reads == "both" else 0
        is_near_LL = (ahead_LL >= -self.reach) & (ahead_LL <= furthest)
        return (is_near_LL & mask_RL[:, None]) | (ahead_LL == 0)
