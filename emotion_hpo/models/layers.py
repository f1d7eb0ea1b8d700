"""Layers initialised as Keras does it, on which the reference networks rely.

Glorot-uniform weights and zero biases; LSTM and GRU are in `cells`.
"""

import torch
from torch import Tensor, nn


def dense(inputs: int, units: int) -> nn.Linear:
    """Return a dense layer."""
    layer = nn.Linear(inputs, units)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def dense_over_steps(layer: nn.Linear, values_BTD: Tensor) -> Tensor:
    """Return what a dense layer makes of flattened steps, of which later ones are zero.

    Zeros need no weights, and the layer has those of every step up to the longest utterance: most
    of what a short one would read.

    Raises:
        ValueError: There are more steps than the layer has weights for.
    """
    values_BI = values_BTD.flatten(1)
    if values_BI.shape[1] > layer.in_features:
        n_steps = layer.in_features // values_BTD.shape[2]
        raise ValueError(f"at most {n_steps} steps fit, but got {values_BTD.shape[1]}")
    return nn.functional.linear(values_BI, layer.weight[:, : values_BI.shape[1]], layer.bias)


def glorot(layer: nn.Conv1d | nn.Conv2d) -> nn.Conv1d | nn.Conv2d:
    """Initialise a convolution in place."""
    nn.init.xavier_uniform_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def widths(units: int, depth: int, taper: float) -> list[int]:
    """Return the widths of a stack of layers.

    >>> widths(512, 3, 0.5)
    [512, 256, 128]
    """
    return [max(1, round(units * taper**layer)) for layer in range(depth)]


def is_alone(values_BTD: Tensor) -> bool:
    """Return whether it is one utterance that nothing is learnt from, in float32 on a CPU."""
    is_small = len(values_BTD) == 1 and values_BTD.device.type == "cpu"
    is_exact = values_BTD.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    is_traced = torch.onnx.is_in_onnx_export()  # which sees no loop of another compiler's
    return is_small and is_exact and not torch.is_grad_enabled() and not is_traced
