"""The one mapping from an encoder's name to the module.

An encoder is a module `(values_BTD, mask_BT) -> (B, output_units)`; the network has put zeros where
the mask is False. How far a batch is padded changes no encoding. One that has a state for each step
is a `StepEncoder` as well, for the heads that look at steps.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from emotion_hpo.config.model import EncoderConfig
from emotion_hpo.models.attention_decoder import AttentionDecoderNetwork
from emotion_hpo.models.convolutional import ImageEncoder, StepsEncoder
from emotion_hpo.models.dense import DenseEncoder
from emotion_hpo.models.mean import MeanNetwork
from emotion_hpo.models.recurrent import RecurrentEncoder
from emotion_hpo.models.residual import ResidualEncoder
from emotion_hpo.models.transformer import TransformerNetwork


@runtime_checkable
class StepEncoder(Protocol):
    """An encoder whose encoding is `pool(*steps(values_BTD, mask_BT))`."""

    step_units: int

    def steps(self, values_BTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(B, T, step_units)` states, finite where masked, and their mask."""

    def pool(self, states_BTU: Tensor, mask_BT: Tensor) -> Tensor:
        """Return `(B, output_units)`."""


def build_encoder(
    config: EncoderConfig, dimensions: int, max_length: int, dropout: float
) -> nn.Module:
    """Build the encoder of that name for `(B, T <= max_length, dimensions)`."""
    match config.name:
        case "mlp":
            return DenseEncoder(config, dimensions, max_length, dropout)
        case "mean":
            return MeanNetwork(config, dimensions, dropout)
        case "lstm" | "gru":
            return RecurrentEncoder(config, dimensions, dropout)
        case "conv1d":
            return StepsEncoder(config, dimensions, max_length, dropout)
        case "conv2d":
            return ImageEncoder(config, dimensions, max_length, dropout)
        case "attention_decoder":
            return AttentionDecoderNetwork(config, dimensions, max_length, dropout)
        case "transformer":
            return TransformerNetwork(config, dimensions, dropout)
        case "residual_mlp":
            return ResidualEncoder(config, dimensions, dropout)
