"""What flows from the data set into a network: one `Sequence` a modality, and how wide it is.

Shapes stand in names: B utterances, T steps (words, frames, parts), D dimensions, C classes.
"""

from dataclasses import dataclass

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

    def to(self, device: torch.device) -> "Sequence":
        """Copy to a device."""
        return Sequence(*(part.to(device) for part in (self.values, self.mask, self.present)))


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
    """Some utterances: modalities by name, labels `(B,)` int64, and their rows in the data set."""

    modalities: dict[str, Sequence]
    labels: Tensor
    rows: Tensor
    mixing: Mixing | None = None

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
    """

    dimensions: int
    max_length: int
    n_tokens: int | None = None
    vectors: Tensor | None = None

    @property
    def size(self) -> int:
        """Return how many numbers the longest utterance has."""
        return self.max_length * max(1, self.dimensions)
