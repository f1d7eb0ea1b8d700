"""Cross-modal attention: each modality's steps attend to the steps of every other.

After MulT (Tsai et al. 2019, section 3.2): for each ordered pair of modalities a stack of blocks in
which the target's steps are the queries and the source's, the same in every block, keys and values.
So words meet the frames that matter to them, without being aligned. There the stacks are followed
by more self-attention; here the encoders look along the steps, and the mean over the target's steps
stands beside the encoders' own vectors, so that little data can do without the pairs.
Order along the steps is what the encoders' states know; no positions are added between rates of
words and frames that nothing relates.
"""

from collections.abc import Sequence
from itertools import permutations

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import CrossAttentionFusion
from emotion_hpo.models.attention_block import AttentionBlock
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.head import Head
from emotion_hpo.models.layers import dense
from emotion_hpo.models.pooling import Mean
from emotion_hpo.models.steps import EncodedSteps


class CrossBlocks(nn.Module):
    """Blocks in which one modality's steps attend to another's; their mean as `(B, units)`."""

    def __init__(self, config: CrossAttentionFusion, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            AttentionBlock(config.units, config.heads, config.feed_forward, dropout)
            for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.units)
        self.pooling = Mean()

    def forward(
        self, targets_BTU: Tensor, target_mask_BT: Tensor, sources_BSU: Tensor, mask_BS: Tensor
    ) -> Tensor:
        """Return zero where an utterance lacks either of the two."""
        for block in self.blocks:
            targets_BTU = block(targets_BTU, mask_BS, sources_BSU)
        pooled_BU: Tensor = self.pooling(self.norm(targets_BTU), target_mask_BT)
        return torch.where(mask_BS.any(dim=1, keepdim=True), pooled_BU, 0.0)


class CrossAttentionHead(Head):
    """Vectors and what each pair attended, concatenated → hidden layer → ReLU → classes.

    Args:
        config: Widths of the pairs and of the hidden layer.
        widths: Of the encoders' vectors.
        step_widths: Of the encoders' steps.
        n_classes: Number of logits.
        dropout: Of the blocks, and of what the hidden layer reads of the pairs.
    """

    needs_steps = True

    def __init__(
        self,
        config: CrossAttentionFusion,
        widths: Sequence[int],
        step_widths: Sequence[int],
        n_classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.pairs = tuple(permutations(range(len(widths)), 2))
        self.inputs = nn.ModuleList(
            nn.Sequential(dense(width, config.units), nn.LayerNorm(config.units))
            for width in (step_widths if self.pairs else ())  # one modality alone has no other
        )
        self.attention = nn.ModuleList(CrossBlocks(config, dropout) for _ in self.pairs)
        self.dropout = Dropout(dropout)
        self.hidden = dense(sum(widths) + len(self.pairs) * config.units, config.units)
        self.classes = dense(config.units, n_classes)

    def fuse(self, encoded: Sequence[EncodedSteps], present_BM: Tensor) -> Tensor:  # noqa: ARG002 (masks say it)
        """Return the hidden layer `(B, units)`."""
        masks = [modality.mask for modality in encoded]
        steps = [
            layer(modality.steps)
            for layer, modality in zip(self.inputs, encoded, strict=bool(self.pairs))
        ]
        attended = [
            self.dropout(blocks(steps[target], masks[target], steps[source], masks[source]))
            for blocks, (target, source) in zip(self.attention, self.pairs, strict=True)
        ]
        vectors = [modality.vector.relu() for modality in encoded]
        hidden_BU: Tensor = self.hidden(torch.cat([*vectors, *attended], dim=1))
        return hidden_BU.relu()
