"""Heads: the encoded modalities → logits.

A head is a module `(encoded, present_BM) -> logits_BC`: one `(B, U)` tensor a modality, zero where
the utterance does not have it, and which ones it has. Concatenating heads see the zeros, as a
dropped unit's; weighing heads leave an absent modality out of the weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import ConcatFusion, FusionConfig
from emotion_hpo.errors import ConfigError
from emotion_hpo.models.layers import dense


class LinearHead(nn.Module):
    """Concatenate → ReLU → classes."""

    def __init__(self, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.classes = dense(sum(widths), n_classes)

    def forward(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:  # noqa: ARG002
        """The `(B, C)` logits."""
        logits_BC: Tensor = self.classes(torch.cat(list(encoded), dim=1).relu())
        return logits_BC


class ConcatHead(nn.Module):
    """Concatenate → ReLU → hidden layer → ReLU → classes."""

    def __init__(self, config: ConcatFusion, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.hidden = dense(sum(widths), config.units)
        self.classes = dense(config.units, n_classes)

    def forward(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:  # noqa: ARG002
        """The `(B, C)` logits."""
        hidden_BU = self.hidden(torch.cat(list(encoded), dim=1).relu()).relu()
        logits_BC: Tensor = self.classes(hidden_BU)
        return logits_BC


def build_head(config: FusionConfig, widths: Sequence[int], n_classes: int) -> nn.Module:
    """The head of that name over encoders of those widths."""
    if config.name == "linear":
        return LinearHead(widths, n_classes)
    if config.name == "concat":
        return ConcatHead(config, widths, n_classes)
    raise ConfigError(f"fusion {config.name!r} is not built yet")
