"""Convolutions: over steps and dimensions as an image, or along the steps of words and frames.

Both flatten what they find (`conv1d` may pool instead), so a shorter batch is filled up with zeros
to the longest that there is, and masked steps are zeros too. Dropout's factor 1/(1 - rate) stands
in the weights of the convolution before it, where it costs next to nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emotion_hpo.config.model import Conv1dEncoder, Conv2dEncoder
from emotion_hpo.models.dropout import relu_dropout
from emotion_hpo.models.layers import dense, dense_over_steps, glorot, widths
from emotion_hpo.models.pooling import build_pooling
from emotion_hpo.models.steps import clean, pad_steps

PART = 32  # utterances: fewer are slower, and the backward pass of more takes more memory


class ImageEncoder(nn.Module):
    """3 × 3 convolutions with dropout and ReLU after each, flattened, a dense layer.

    Each halves the image, rounding up as Keras's "same" padding does.
    """

    def __init__(
        self, config: Conv2dEncoder, dimensions: int, max_length: int, dropout: float
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.halved_by_maximum = config.halving == "max"
        self.stride = 1 if self.halved_by_maximum else 2
        self.convolutions = nn.ModuleList()
        channels, height, width = 1, max_length, dimensions
        for entry in config.channels:
            filters = max(1, round(entry * config.width))
            self.convolutions.append(glorot(nn.Conv2d(channels, filters, 3)))
            channels, height, width = filters, (height + 1) // 2, (width + 1) // 2
        self.convolutions.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dropout = dropout
        self.output = dense(channels * height * width, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:  # noqa: ARG002 (zeros already)
        """Encode the valid steps as `(B, output_units)`."""
        # The channel is added last and moved, so that even one channel counts as channels-last
        image_BCHW = pad_steps(values_BTD, self.max_length).unsqueeze(3).permute(0, 3, 1, 2)
        # On a CPU in parts, which the backward pass too takes one after the other
        is_split = image_BCHW.device.type == "cpu" and not torch.onnx.is_in_onnx_export()
        parts = torch.split(image_BCHW, PART) if is_split else [image_BCHW]
        encoded_BU: Tensor = self.output(torch.cat([self._convolve(part) for part in parts]))
        return encoded_BU

    def _convolve(self, image_BCHW: Tensor) -> Tensor:
        rate = self.dropout if self.training else 0.0
        for layer in self.convolutions:
            weight, bias = _scaled(layer, rate)
            image_BCHW = F.conv2d(image_BCHW, weight, bias, self.stride, padding=1)
            if self.halved_by_maximum:
                image_BCHW = F.max_pool2d(image_BCHW, 2, ceil_mode=True)
            image_BCHW = relu_dropout(image_BCHW, rate)
        return image_BCHW.permute(0, 2, 3, 1).flatten(1)


class StepsEncoder(nn.Module):
    """Convolutions along the steps with ReLU and dropout after each; flattened or pooled; dense.

    Attributes:
        step_units: Width of the states that `steps` returns.
    """

    def __init__(
        self, config: Conv1dEncoder, dimensions: int, max_length: int, dropout: float
    ) -> None:
        super().__init__()
        self.edges = ((config.kernel - 1) // 2, config.kernel // 2)  # as many steps as before
        self.convolutions = nn.ModuleList()
        for units in widths(config.units, config.depth, config.taper):
            self.convolutions.append(glorot(nn.Conv1d(dimensions, units, config.kernel)))
            dimensions = units
        self.step_units = dimensions
        self.dropout = dropout
        self.pooling = None
        if config.pooling == "flatten":
            dimensions *= max_length
        else:
            self.pooling = build_pooling(config.pooling, dimensions)
        self.output = dense(dimensions, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        return self.pool(*self.steps(values_BTD, mask_BT))

    def steps(self, values_BTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Return the `(B, T, step_units)` states, zero where masked, and the mask."""
        rate = self.dropout if self.training else 0.0
        for layer in self.convolutions:
            weight, bias = _scaled(layer, rate)
            convolved_BDT = F.conv1d(F.pad(values_BTD.transpose(1, 2), self.edges), weight, bias)
            convolved_BDT = relu_dropout(convolved_BDT, rate)
            # Masked after each layer, so that a batch's padding looks like the edge of the sequence
            values_BTD = clean(convolved_BDT.transpose(1, 2), mask_BT)
        return values_BTD, mask_BT

    def pool(self, states_BTU: Tensor, mask_BT: Tensor) -> Tensor:
        """Flatten or pool states to `(B, output_units)`."""
        if self.pooling is None:
            return dense_over_steps(self.output, states_BTU)
        encoded_BU: Tensor = self.output(self.pooling(states_BTU, mask_BT))
        return encoded_BU


def _scaled(layer: nn.Module, rate: float) -> tuple[Tensor, Tensor]:
    """Return weight and bias with the factor of the dropout that follows."""
    assert isinstance(layer.weight, Tensor)
    assert isinstance(layer.bias, Tensor)
    if not rate:
        return layer.weight, layer.bias
    return layer.weight / (1 - rate), layer.bias / (1 - rate)
