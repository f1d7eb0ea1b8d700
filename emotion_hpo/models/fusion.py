"""Heads: the encoded modalities → one vector an utterance → logits.

A head has `fuse(encoded, present_BM) -> fused_BF`: one `(B, U)` tensor a modality, zero where the
utterance does not have it, and which ones it has; and `classes`, the last dense layer. Between the
two a context may read the dialogue. Concatenating heads see the zeros, as a dropped unit's;
weighing heads leave an absent modality out of the weights. A head that declares `needs_steps` gets
an `EncodedSteps` a modality instead.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import AttentionFusion, ConcatFusion, FusionConfig, GatedFusion
from emotion_hpo.errors import ConfigError
from emotion_hpo.models.cross_attention import CrossAttentionHead
from emotion_hpo.models.head import Head
from emotion_hpo.models.layers import dense
from emotion_hpo.models.low_rank import LowRankHead


class LinearHead(Head):
    """Concatenate → ReLU → classes."""

    def __init__(self, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.classes = dense(sum(widths), n_classes)

    def fuse(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:  # noqa: ARG002
        """Return all units beside each other."""
        return torch.cat(list(encoded), dim=1).relu()


class ConcatHead(Head):
    """Concatenate → ReLU → hidden layer → ReLU → classes."""

    def __init__(self, config: ConcatFusion, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.hidden = dense(sum(widths), config.units)
        self.classes = dense(config.units, n_classes)

    def fuse(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:  # noqa: ARG002
        """Return the hidden layer `(B, units)`."""
        hidden_BU: Tensor = self.hidden(torch.cat(list(encoded), dim=1).relu())
        return hidden_BU.relu()


class AttentionHead(Head):
    """Weigh modalities by softmax(v · tanh(W x + b)), a v for each head → as `ConcatHead`.

    The modality attention of multi-level attention models: all modalities share W and v, so they
    must be of one width.
    """

    def __init__(self, config: AttentionFusion, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        width = _common_width(config.name, widths)
        self.energy = nn.Sequential(dense(width, width), nn.Tanh(), dense(width, config.heads))
        self.hidden = dense(config.heads * width, config.units)
        self.classes = dense(config.units, n_classes)

    def fuse(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:
        """Return the hidden layer `(B, units)` over the weighted sums."""
        encoded_BMU = torch.stack(list(encoded), dim=1).relu()
        energies_BMH = self.energy(encoded_BMU).float()
        lowest = torch.finfo(energies_BMH.dtype).min
        energies_BMH = energies_BMH.masked_fill(~present_BM[:, :, None], lowest)
        weights_BMH = energies_BMH.softmax(dim=1).to(encoded_BMU.dtype)
        fused_BHU = weights_BMH.transpose(1, 2) @ encoded_BMU
        hidden_BU: Tensor = self.hidden(fused_BHU.flatten(1).relu())
        return hidden_BU.relu()


class GatedHead(Head):
    """Gated multimodal units: Σ σ(G_m [x_1 … x_M]) * tanh(W_m x_m) → classes.

    Arevalo et al. 2017, section 3.1, for any number of modalities.
    """

    def __init__(self, config: GatedFusion, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(dense(width, config.units) for width in widths)
        self.gates = dense(sum(widths), len(widths) * config.units)
        self.classes = dense(config.units, n_classes)

    def fuse(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:
        """Return the gated sum `(B, units)`."""
        proposed = [layer(x_BU) for layer, x_BU in zip(self.projections, encoded, strict=True)]
        proposed_BMU = torch.stack(proposed, dim=1).tanh()
        gates_BMU = self.gates(torch.cat(list(encoded), dim=1)).sigmoid().view_as(proposed_BMU)
        return torch.where(present_BM[:, :, None], gates_BMU * proposed_BMU, 0.0).sum(dim=1)


def build_head(
    config: FusionConfig,
    widths: Sequence[int],
    n_classes: int,
    *,
    step_widths: Sequence[int] | None = None,
    dropout: float = 0.0,
) -> Head:
    """Build the head of that name over encoders of those widths.

    Args:
        config: Which.
        widths: Of the encoders' vectors.
        n_classes: Number of logits.
        step_widths: Of the encoders' steps, where a head needs them; None: those of the vectors.
        dropout: Of a head that has layers of its own before the hidden one.
    """
    match config.name:
        case "linear":
            return LinearHead(widths, n_classes)
        case "concat":
            return ConcatHead(config, widths, n_classes)
        case "attention":
            return AttentionHead(config, widths, n_classes)
        case "gated":
            return GatedHead(config, widths, n_classes)
        case "low_rank":
            return LowRankHead(config, widths, n_classes)
        case "cross_attention":
            steps = widths if step_widths is None else step_widths
            return CrossAttentionHead(config, widths, steps, n_classes, dropout)


def _common_width(name: str, widths: Sequence[int]) -> int:
    if len(set(widths)) > 1:
        raise ConfigError(
            f"model.fusion.name={name} needs encoders of one output_units, but got "
            + ", ".join(map(str, widths))
        )
    return widths[0]
