"""What flows from the data set into a network: one `Sequence` a modality, and how wide it is.

Shapes stand in names: B utterances, T steps (words, frames, parts), D dimensions, C classes. Of
dialogues: N turns that are encoded, in R rows of at most L turns.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sequence:
    """One modality of a batch.

    Attributes:
        values: `(B, T, D)` float32 features, or `(B, T)` int64 tokens; anything where masked.
        mask: `(B, T)` bool, True where a step holds data. Steps need not be contiguous: lost motion
            leaves holes.
        present: `(B,)` bool, True where the utterance has this modality at all.
    """

    values: Tensor
    mask: Tensor
    present: Tensor

    def to(self, device: torch.device) -> Self:
        """Copy to a device."""
        return type(self)(*(part.to(device) for part in (self.values, self.mask, self.present)))


class Encoded(Sequence):
    """One modality of a batch as its encoder gave it, `(B, 1, output_units)`."""


@dataclass(frozen=True)
class TurnOrder:
    """Who speaks when: rows of turns, a dialogue or a part of it each.

    Attributes:
        mask: `(R, L)` bool, True where there is a turn; a row's turns stand at its left.
        speakers: `(R, L)` int64, equal where the speaker is; -1 where nobody knows.
        gaps_s: `(R, L)` float32 seconds from the end of the turn before; 0 where nobody knows.
    """

    mask: Tensor
    speakers: Tensor
    gaps_s: Tensor

    @classmethod
    def alone(cls, n: int, device: torch.device) -> "TurnOrder":
        """Return rows of one turn each."""
        speakers = torch.full((n, 1), -1, device=device)
        mask = torch.ones((n, 1), dtype=torch.bool, device=device)
        return cls(mask, speakers, torch.zeros((n, 1), device=device))

    def to(self, device: torch.device) -> "TurnOrder":
        """Copy to a device."""
        return TurnOrder(*(part.to(device) for part in (self.mask, self.speakers, self.gaps_s)))


@dataclass(frozen=True)
class Dialogues:
    """Turns that are read in their dialogues; nothing in it tells which of them have a label.

    Attributes:
        buckets: Modalities by name, of some of the N turns each, which are of similar length.
        places: `(R, L)` int64, which of the N turns of all buckets stands there.
        order: Of the rows.
        answered: `(B,)` int64, the places, counted row by row, for which an answer is asked.
    """

    buckets: tuple[dict[str, Sequence], ...]
    places: Tensor
    order: TurnOrder
    answered: Tensor


@dataclass(frozen=True)
class Mixing:
    """How the utterances of a batch are mixed in pairs (mixup, Zhang et al. 2018).

    Attributes:
        partners: `(B,)` int64, the row in the batch that each is mixed with.
        share: How much each keeps of itself, from 0 to 1.
    """

    partners: Tensor
    share: float


@dataclass(frozen=True)
class Batch:
    """Some utterances, each alone or in its dialogue.

    Attributes:
        modalities: By name; of utterances in dialogues, none.
        labels: `(B,)` int64.
        rows: `(B,)` int64, in the data set.
        mixing: How they are mixed, or None.
        dialogues: What is read of utterances in dialogues, or None.
    """

    modalities: dict[str, Sequence]
    labels: Tensor
    rows: Tensor
    mixing: Mixing | None = None
    dialogues: Dialogues | None = None

    @property
    def inputs(self) -> "dict[str, Sequence] | Dialogues":
        """Return what a network reads."""
        return self.modalities if self.dialogues is None else self.dialogues

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.labels)

    def mix(self, values: Tensor) -> Tensor:
        """Mix what belongs to the utterances, `(B, …)`, as they are mixed; else return it as is."""
        if self.mixing is None:
            return values
        return torch.lerp(values[self.mixing.partners], values, self.mixing.share)


@dataclass(frozen=True)
class InputShape:
    """The shape of a modality, from which a network is built.

    Attributes:
        dimensions: D of the features; for tokens, 0.
        max_length: Longest T that any batch has.
        n_tokens: Size of the vocabulary, padding (0) and unknown (1) included; None for features.
        vectors: `(n_tokens, D)` pretrained word vectors, NaN rows where a word has none, or None.
        n_layers: Of a pretrained model, whose features follow each other in D.
    """

    dimensions: int
    max_length: int
    n_tokens: int | None = None
    vectors: Tensor | None = None
    n_layers: int = 1

    @property
    def size(self) -> int:
        """Return how many numbers the longest utterance has."""
        return self.max_length * max(1, self.dimensions)
