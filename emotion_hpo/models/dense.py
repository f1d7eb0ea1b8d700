"""Dense layers over a flattened input: the reference's MLPs, and functionals (one step each)."""

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import MlpEncoder
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense, widths
from emotion_hpo.models.steps import pad_steps


class DenseEncoder(nn.Module):
    """Flatten → (dense → ReLU → dropout) for each hidden layer → dense."""

    def __init__(
        self, config: MlpEncoder, dimensions: int, max_length: int, dropout: float
    ) -> None:
        super().__init__()
        self.max_length = max_length
        inputs = max_length * dimensions
        self.hidden = nn.ModuleList()
        for units in widths(config.units, config.depth, config.taper):
            self.hidden.append(dense(inputs, units))
            inputs = units
        self.dropout = Dropout(dropout)
        self.output = dense(inputs, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:  # noqa: ARG002 (zeros already)
        """Encode the valid steps as `(B, output_units)`."""
        hidden_BU = pad_steps(values_BTD, self.max_length).flatten(1)
        for layer in self.hidden:
            hidden_BU = self.dropout(torch.relu(layer(hidden_BU)))
        encoded_BU: Tensor = self.output(hidden_BU)
        return encoded_BU
