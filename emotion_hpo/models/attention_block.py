"""Pre-norm attention block: targets attend to sources, then a feed-forward layer.

With `x` the targets and `y` the sources (for self-attention, y = LayerNorm(x)),

    x' = x + W_o attend(W_q LayerNorm(x), W_k y, W_v y)        x'' = x' + FF(LayerNorm(x'))

as in Xiong et al. 2020, figure 1b. Masked sources have no weight, and without a valid source the
attention adds nothing but the bias of W_o. Weights are not dropped out, only what each half adds:
so PyTorch's fused kernels apply, which never hold the `(T, S)` weights of a whole batch.

Positions, where they are wanted, are rotary (Su et al. 2021, equation 34): pairs of a head's units
are turned by an angle that grows with the step, so that a product of query and key depends on the
distance between their steps, not on where the utterance begins.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense

BASE = 10_000.0  # of the pairs' frequencies, as published


class Rotation:
    """Cosines and sines that turn `(B, H, T, E)` queries and keys of T steps."""

    def __init__(self, n_steps: int, width: int, device: torch.device) -> None:
        pair_P = torch.arange(width // 2, device=device)
        step_T = torch.arange(n_steps, device=device, dtype=torch.float32)
        angle_TP = torch.outer(step_T, BASE ** (-2 * pair_P / width))
        self._cos_TP, self._sin_TP = angle_TP.cos(), angle_TP.sin()

    def turn(self, heads_BHTE: Tensor) -> Tensor:
        """Turn unit p together with unit p + E/2, for each p below E/2."""
        first, second = heads_BHTE.float().chunk(2, dim=3)
        turned = (
            first * self._cos_TP - second * self._sin_TP,
            second * self._cos_TP + first * self._sin_TP,
        )
        return torch.cat(turned, dim=3).to(heads_BHTE.dtype)


class AttentionBlock(nn.Module):
    """`(B, T, U)` targets → `(B, T, U)`.

    Args:
        units: U, a multiple of `heads`; of twice as many where a rotation is used.
        heads: Number of attentions beside each other, each over U / heads units.
        feed_forward: Width of the hidden layer, as a multiple of U.
        dropout: Share of what either half adds that training zeroes.
    """

    def __init__(self, units: int, heads: int, feed_forward: float, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(units)
        self.query = dense(units, units)
        self.key = nn.Linear(units, units, bias=False)  # softmax does not see a constant
        nn.init.xavier_uniform_(self.key.weight)
        self.value = dense(units, units)
        self.attended = dense(units, units)
        self.feed_forward_norm = nn.LayerNorm(units)
        hidden = max(1, round(feed_forward * units))
        self.feed_forward = nn.Sequential(dense(units, hidden), nn.GELU(), dense(hidden, units))
        self.dropout = Dropout(dropout)

    def forward(
        self,
        targets_BTU: Tensor,
        mask_BS: Tensor,
        sources_BSU: Tensor | None = None,
        rotation: Rotation | None = None,
        energy_BHTS: Tensor | None = None,
    ) -> Tensor:
        """Let every target attend to the valid sources.

        Args:
            targets_BTU: Finite at masked steps, too; what becomes of those means nothing.
            mask_BS: Of the sources.
            sources_BSU: Normalised; None: the targets themselves.
            rotation: Of as many steps as the targets have, which are then the sources.
            energy_BHTS: What is added to the products of query and key, or None; -inf where a
                target must not see a source, but never of all sources.
        """
        normed_BTU = self.attention_norm(targets_BTU)
        if sources_BSU is None:
            sources_BSU = normed_BTU
        query, key = self._split(self.query(normed_BTU)), self._split(self.key(sources_BSU))
        if rotation is not None:
            query, key = rotation.turn(query), rotation.turn(key)
        value = self._split(self.value(sources_BSU))
        if energy_BHTS is None:
            attended_BHTE = attend(query, key, value, mask_BS)
        else:
            energy_BHTS = energy_BHTS.to(query.dtype)
            attended_BHTE = F.scaled_dot_product_attention(query, key, value, energy_BHTS)
        attended_BTU = self.attended(attended_BHTE.transpose(1, 2).flatten(2))
        states_BTU: Tensor = targets_BTU + self.dropout(attended_BTU)
        added_BTU: Tensor = self.dropout(self.feed_forward(self.feed_forward_norm(states_BTU)))
        return states_BTU + added_BTU

    def _split(self, values_BTU: Tensor) -> Tensor:
        n, n_steps, units = values_BTU.shape
        return values_BTU.view(n, n_steps, self.heads, units // self.heads).transpose(1, 2)


def attend(query_BHTE: Tensor, key_BHSE: Tensor, value_BHSE: Tensor, mask_BS: Tensor) -> Tensor:
    """Return the values weighted by `softmax(q k / √E)` over valid sources; zero without one."""
    is_empty_B111 = ~mask_BS.any(dim=1)[:, None, None, None]
    # A softmax over nothing would be NaN, in the gradient as well
    weighed_B11S = mask_BS[:, None, None] | is_empty_B111
    attended_BHTE = F.scaled_dot_product_attention(
        query_BHTE, key_BHSE, value_BHSE, attn_mask=weighed_B11S
    )
    return torch.where(is_empty_B111, 0.0, attended_BHTE)
