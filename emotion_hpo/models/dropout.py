"""Dropout, alone and with ReLU, in one pass over the activations.

PyTorch's CPU dropout draws one float a unit, keeps the mask and multiplies by it: on the motion
encoder that took as long as the convolutions. Here a compiled loop draws 16 bits a unit (so the
rate is exact to 1/65,536) by hashing the unit's place, and masks the values' bits. The draw can be
made again, so no mask is kept for the backward pass; of ReLU, its output tells what was alive.

With ReLU the factor 1/(1 - rate) is the caller's, who puts it into weights: relu(s x) = s relu(x).
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emotion_hpo.models import dropout_loops

LANES = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}
LEVELS = 2**16


class Dropout(nn.Module):
    """Zero each unit with probability `rate` while training, and divide the others by 1 - rate."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, values: Tensor) -> Tensor:
        """Any shape."""
        if not (self.training and self.rate):
            return values
        if not _is_compiled(values):
            return nn.functional.dropout(values, self.rate)
        dropped: Tensor = _Dropout.apply(values, self.rate)  # type: ignore[no-untyped-call]
        return dropped


def relu_dropout(values: Tensor, rate: float) -> Tensor:
    """`relu(values)`, each unit zeroed with that probability; overwrites `values`."""
    if not rate:
        return values.relu_()
    if not _is_compiled(values):
        is_alive = torch.empty_like(values, dtype=torch.bool).bernoulli_(1 - rate)
        return values.relu_() * is_alive
    dropped: Tensor = _ReluDropout.apply(values, rate)  # type: ignore[no-untyped-call]
    return dropped


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rate: float) -> Tensor:  # noqa: ANN401 (autograd's own context)
        ctx.seeds, ctx.rate, ctx.strides = _draw_seeds(), rate, values.stride()
        return _drop(values.clone(), ctx.seeds, rate).div_(1 - rate)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        # In the layout of the forward pass, for a unit's draw hangs on its place in memory
        below = torch.empty_strided(grads[0].shape, ctx.strides, dtype=grads[0].dtype)
        torch.div(grads[0], 1 - ctx.rate, out=below)
        return _drop(below, ctx.seeds, ctx.rate), None


class _ReluDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rate: float) -> Tensor:  # noqa: ANN401
        ctx.mark_dirty(values)
        _drop(values, _draw_seeds(), rate, lowest=0)
        ctx.save_for_backward(values)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (output,) = ctx.saved_tensors
        is_alike = grads[0].stride() == output.stride()
        above = grads[0] if is_alike else torch.empty_like(output).copy_(grads[0])
        below = torch.empty_like(output)
        bits = [_bits(tensor) for tensor in (above, output, below)]
        dropout_loops.pass_where_alive(*bits)
        return below, None


def _drop(values: Tensor, seeds: tuple[int, int], rate: float, lowest: int | None = None) -> Tensor:
    """Zero units in place; their bits stay at `lowest` or above."""
    bits_N = _bits(values)
    limit = min(max(round((1 - rate) * LEVELS), 1), LEVELS)
    floor = np.iinfo(bits_N.dtype).min if lowest is None else lowest
    dropout_loops.drop(bits_N, *seeds, limit, floor)
    return values


def _draw_seeds() -> tuple[int, int]:
    """Draw two seeds of 32 bits from PyTorch's generator, which `torch.manual_seed` fixes."""
    seed, key = torch.empty(2, dtype=torch.int64).random_(2**32).tolist()
    return seed, key


def _bits(values: Tensor) -> NDArray[Any]:
    """Return the values' bits as integers, in the order in which they lie in memory."""
    flat_N = _as_they_lie(values).detach().view(-1)
    bits_N: NDArray[Any] = flat_N.view(LANES[values.dtype]).numpy()
    return bits_N


def _as_they_lie(values: Tensor) -> Tensor:
    """Return a view with dimensions from the largest stride to the smallest."""
    return values.permute(sorted(range(values.dim()), key=values.stride, reverse=True))


def _is_compiled(values: Tensor) -> bool:
    is_known = values.device.type == "cpu" and values.dtype in LANES
    return is_known and _as_they_lie(values).is_contiguous()
