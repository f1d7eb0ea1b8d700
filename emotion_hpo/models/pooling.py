"""States of all steps → one vector an utterance.

Each pooling is a module `(states_BTD, mask_BT) -> (B, D)` that looks at valid steps alone, wherever
they stand; without a valid step the result is zero.
"""

import torch
from torch import Tensor, nn

from emotion_hpo.models.layers import dense


class Last(nn.Module):
    """The state at the last valid step.

    Args:
        bidirectional: The second half of D ran backwards, so its last state is at the *first* step.
    """

    def __init__(self, bidirectional: bool = False) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Pick the final state of each direction."""
        step_T = torch.arange(mask_BT.shape[1], device=mask_BT.device)
        final_BD = _at(states_BTD, mask_BT, torch.where(mask_BT, step_T, 0).amax(dim=1))
        if not self.bidirectional:
            return final_BD
        half = states_BTD.shape[2] // 2
        back_BD = _at(states_BTD[:, :, half:], mask_BT, mask_BT.int().argmax(dim=1))
        return torch.cat([final_BD[:, :half], back_BD], dim=1)


class First(nn.Module):
    """The state at the first valid step."""

    def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Pick that state."""
        return _at(states_BTD, mask_BT, mask_BT.int().argmax(dim=1))


class Mean(nn.Module):
    """The average of the valid steps."""

    def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Average them."""
        total_BD = torch.where(mask_BT[:, :, None], states_BTD, 0.0).sum(dim=1)
        return total_BD / mask_BT.sum(dim=1, keepdim=True).clamp(min=1)


class Max(nn.Module):
    """The largest value of each dimension over the valid steps."""

    def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Take it."""
        lowest = torch.finfo(states_BTD.dtype).min
        largest_BD = torch.where(mask_BT[:, :, None], states_BTD, lowest).amax(dim=1)
        return torch.where(mask_BT.any(dim=1, keepdim=True), largest_BD, 0.0)


class AttentionPooling(nn.Module):
    """The average weighted by softmax(v · tanh(W state + b)) over the valid steps."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.hidden = dense(dimensions, dimensions)
        self.query = dense(dimensions, 1)
        self.query.bias.requires_grad_(False)  # softmax does not see a constant

    def forward(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Weigh and sum."""
        states_BTD = torch.where(mask_BT[:, :, None], states_BTD, 0.0)
        scores_BT = self.query(torch.tanh(self.hidden(states_BTD))).squeeze(2).float()
        scores_BT = scores_BT.masked_fill(~mask_BT, torch.finfo(scores_BT.dtype).min)
        weights_BT = torch.where(mask_BT, scores_BT.softmax(dim=1), 0.0)
        return torch.bmm(weights_BT[:, None, :].to(states_BTD.dtype), states_BTD).squeeze(1)


def build_pooling(name: str, dimensions: int, *, bidirectional: bool = False) -> nn.Module:
    """Build the pooling of that name over states of that width."""
    if name == "last":
        return Last(bidirectional)
    if name == "attention":
        return AttentionPooling(dimensions)
    return {"first": First, "mean": Mean, "max": Max}[name]()


def _at(states_BTD: Tensor, mask_BT: Tensor, step_B: Tensor) -> Tensor:
    """Return the state at a step of each utterance; zero where it has no valid step."""
    index_B1D = step_B[:, None, None].expand(-1, 1, states_BTD.shape[2])
    picked_BD = states_BTD.gather(1, index_B1D).squeeze(1)
    return torch.where(mask_BT.any(dim=1, keepdim=True), picked_BD, 0.0)
