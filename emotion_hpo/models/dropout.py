"""ReLU and dropout in one pass, for the large activations of convolutions.

PyTorch's CPU dropout draws one float a unit, keeps the mask and multiplies by it: on the motion
encoder that took as long as the convolutions. Here a unit takes 16 random bits of the same
generator, the mask is applied to the float's own bits while they lie in the cache, and nothing but
the output is kept: where it is positive, the unit was alive. The drop rate is exact to 1/65,536.
Elsewhere (other devices, evaluation) PyTorch's own functions run.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1 << 17  # units: their bits and values fill about half of a core's second-level cache
LANES = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}


def relu_dropout(values: Tensor, rate: float, *, training: bool) -> Tensor:
    """`dropout(relu(values))`; overwrites `values`, which must not be needed again."""
    if not (training and rate):
        return values.relu_()
    if values.device.type != "cpu" or values.dtype not in LANES or not _is_dense(values):
        return F.dropout(values.relu_(), rate)
    dropped: Tensor = _ReluDropout.apply(values, rate)  # type: ignore[no-untyped-call]
    return dropped


class _ReluDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rate: float) -> Tensor:  # noqa: ANN401 (autograd's own context)
        ctx.scale = 1 / (1 - rate)
        ctx.mark_dirty(values)
        flat_N = _flat(values)
        for start in range(0, len(flat_N), CHUNK):
            part_N = flat_N[start : start + CHUNK]
            part_N.relu_().mul_(ctx.scale)
            _drop_(part_N, rate)
        ctx.save_for_backward(values)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (output,) = ctx.saved_tensors
        grad = torch.ops.aten.threshold_backward(grads[0], output, 0)
        return grad.mul_(ctx.scale), None


def _drop_(values_N: Tensor, rate: float) -> None:
    """Zero each value with that probability, by its bits."""
    bits_N = torch.empty((len(values_N) + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    keep_N = bits_N.view(torch.int16)[: len(values_N)]
    above = min(round((1 - rate) * 2**16) - 2**15, 2**15 - 1)
    keep_N.clamp_(above - 1, above).sub_(above)  # all bits set below `above`, none set from there
    lane = LANES[values_N.dtype]
    values_N.view(lane).bitwise_and_(keep_N.to(lane))


def _flat(values: Tensor) -> Tensor:
    if values.is_contiguous():
        return values.view(-1)
    return values.permute(0, 2, 3, 1).view(-1)


def _is_dense(values: Tensor) -> bool:
    return values.is_contiguous() or (
        values.dim() == 4 and values.is_contiguous(memory_format=torch.channels_last)
    )
