"""The mean over steps, then one dense layer: what a linear probe reads of a frozen model."""

from torch import Tensor, nn

from emotion_hpo.config.model import MeanEncoder
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense
from emotion_hpo.models.pooling import Mean


class MeanNetwork(nn.Module):
    """Mean → dropout → dense."""

    def __init__(self, config: MeanEncoder, dimensions: int, dropout: float) -> None:
        super().__init__()
        self.pooling = Mean()
        self.dropout = Dropout(dropout)
        self.output = dense(dimensions, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        encoded_BU: Tensor = self.output(self.dropout(self.pooling(values_BTD, mask_BT)))
        return encoded_BU
