"""A state of the dialogue, and one of each speaker, after DialogueRNN (Majumder et al. 2019).

    g_t = RNN_g([x_t, r_t], g_{t-1})    p_t = RNN_p([x_t, r_t, g_t], p_s)    y_t = x_t + W [g_t p_t]

where s is the last turn of the same speaker: what somebody says changes their own state, in the
light of all that was said, and nobody else's. In DialogueRNN the dialogue's state reads the
speaker's former one in return, which binds every step of one to a step of the other; without
it, either is one pass of a fused kernel, over the dialogue and over each speaker's own turns. They
are LSTMs, not GRUs, for which processors have no such kernel. With `reads: both` a second pair
reads the dialogue from its end.
"""

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import SpeakerRecurrentContext
from emotion_hpo.dataset.batch import TurnOrder
from emotion_hpo.models.cells import Lstm
from emotion_hpo.models.context.relations import N_RELATIONS, is_same_speaker, relations
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense
from emotion_hpo.models.steps import permute_steps, reversal


class SpeakerStates(nn.Module):
    """Dropout → LSTMs of dialogue and speakers → dropout → dense layer, added to the fused vector.

    Attributes:
        reads: `past` or `both`.
        context_dropout: Share of the turns that training answers as if each were alone.
    """

    def __init__(self, config: SpeakerRecurrentContext, units: int) -> None:
        super().__init__()
        self.reads, self.context_dropout = config.reads, config.context_dropout
        inputs, n_directions = units + N_RELATIONS, 2 if config.reads == "both" else 1
        self.directions = nn.ModuleList(
            _Direction(inputs, config.units, config.dropout) for _ in range(n_directions)
        )
        self.dropout = Dropout(config.dropout)
        self.output = dense(2 * n_directions * config.units, units)

    def forward(self, fused_RLU: Tensor, order: TurnOrder) -> Tensor:
        """Return `(R, L, U)`."""
        related_RL2 = relations(order).to(fused_RLU.dtype)
        values_RLU = torch.cat([self.dropout(fused_RLU), related_RL2], dim=2)
        states = [self.directions[0](values_RLU, order)]
        if self.reads == "both":
            turn_RL = reversal(order.mask.sum(1), values_RLU.shape[1])
            speakers_RL = order.speakers.gather(1, turn_RL)
            backwards = TurnOrder(order.mask, speakers_RL, order.gaps_s)
            turned_RLU = self.directions[1](_permuted(values_RLU, turn_RL), backwards)
            states.append(_permuted(turned_RLU, turn_RL))
        added_RLU: Tensor = self.output(self.dropout(torch.cat(states, dim=2)))
        return fused_RLU + added_RLU


class _Direction(nn.Module):
    """States of the dialogue and of the speaker after every turn, `(R, L, 2 units)`."""

    def __init__(self, inputs: int, units: int, dropout: float) -> None:
        super().__init__()
        self.dialogue = Lstm(inputs, units)
        self.speaker = Lstm(inputs + units, units)
        self.dropout = Dropout(dropout)

    def forward(self, values_RLU: Tensor, order: TurnOrder) -> Tensor:
        dialogue_RLU = self.dialogue.states(values_RLU)
        read_RLU = torch.cat([values_RLU, self.dropout(dialogue_RLU)], dim=2)
        places = _by_speaker(order)
        own_SLU = _spread(read_RLU[order.mask], places)
        speaker_NU = self.speaker.states(own_SLU)[places]
        speaker_RLU = _spread(speaker_NU, order.mask.nonzero(as_tuple=True), order.mask.shape)
        return torch.cat([dialogue_RLU, speaker_RLU], dim=2)


def _by_speaker(order: TurnOrder) -> tuple[Tensor, Tensor]:
    """Return of each turn which speaker's it is, counted over all rows, and its number among them.

    Both are `(N,)`, N the turns of all rows. A turn of an unknown speaker is that of a new one.
    """
    same_RLL = is_same_speaker(order)
    n_before_RL = same_RLL.tril(-1).sum(2)
    is_first_RL = order.mask & (n_before_RL == 0)
    number_RL = (is_first_RL.flatten().long().cumsum(0) - 1).view_as(n_before_RL)
    first_RL = same_RLL.int().argmax(2)  # of equal ones the first
    return number_RL.gather(1, first_RL)[order.mask], n_before_RL[order.mask]


def _spread(
    values_NU: Tensor, places: tuple[Tensor, ...], shape: torch.Size | None = None
) -> Tensor:
    """Return a tensor with values at their places, each of which occurs once, and zeros."""
    size = [place.max() + 1 for place in places] if shape is None else shape
    spread = values_NU.new_zeros(*size, values_NU.shape[1])
    return spread.index_put(places, values_NU)


def _permuted(values_RLU: Tensor, order_RL: Tensor) -> Tensor:
    """Reorder the turns of each row by a permutation that undoes itself."""
    return permute_steps(values_RLU, order_RL, order_RL)
