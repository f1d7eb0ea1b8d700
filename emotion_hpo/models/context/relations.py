"""What a context is told of the turns beside their vectors: how each follows the one before it.

Whether its speaker is that of the turn before, and the seconds between the two. Relations between
speakers alone: who they are, nothing here can tell.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from emotion_hpo.dataset.batch import TurnOrder

#: Columns of `relations`.
N_RELATIONS = 2


def relations(order: TurnOrder) -> Tensor:
    """Return `(R, L, 2)`: 1 of the same speaker as before, -1 of another, 0 unknown; and the gap.

    Of the gap asinh: as it is around 0, where overlaps and answers are told apart, and as its
    logarithm beyond a few seconds. The first turn of a row follows none: zeros.
    """
    before_RL, after_RL = order.speakers[:, :-1], order.speakers[:, 1:]
    is_known_RL = (before_RL >= 0) & (after_RL >= 0)
    same_RL = torch.where(is_known_RL, (before_RL == after_RL).float() * 2 - 1, 0.0)
    related_RL2 = torch.stack([same_RL, order.gaps_s[:, 1:].asinh()], dim=2)
    padded_RL2 = F.pad(related_RL2, (0, 0, 1, 0))
    return torch.where(order.mask[:, :, None], padded_RL2, 0.0)


def is_same_speaker(order: TurnOrder) -> Tensor:
    """Return `(R, L, L)`, whether one speaker says both; an unknown one says one alone."""
    speakers_RL = order.speakers
    same_RLL = (speakers_RL[:, :, None] == speakers_RL[:, None]) & (speakers_RL >= 0)[:, None]
    step_L = torch.arange(speakers_RL.shape[1], device=speakers_RL.device)
    own_LL = step_L[:, None] == step_L
    both_RLL = order.mask[:, :, None] & order.mask[:, None]
    return (same_RLL & both_RLL) | own_LL
