"""ReLU and dropout in one pass, for the large activations of convolutions.

PyTorch's CPU dropout draws one float a unit, keeps the mask and multiplies by it: on the motion
encoder that took as long as the convolutions. Here everything is integers, which a CPU handles five
times as fast as bfloat16: a negative float has a negative integer in its bits, so ReLU is a
maximum; a dropped unit is one whose bits meet a mask of zeros. All happens while a chunk lies in
the cache, and nothing but the output is kept: where it is not zero, the unit was alive.

A unit is dropped by 16 random bits, so the rate is exact to 1/65,536. PyTorch's generator draws a
chunk of them, and a hash (the core of C. Wellons's `lowbias32`) makes of it those of every other
chunk, in a third of the time.

The factor 1/(1 - rate) is the caller's, who puts it into weights: relu(s x) = s relu(x).
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

CHUNK = 1 << 17  # units: their bits and values fill about half of a core's second-level cache
LANES = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}
_STEP = -0x61C88647  # 2^32 over the golden ratio: the seeds of successive chunks lie far apart
_FIRST, _SECOND = 0x7FEB352D, -0x7B935975  # multipliers of lowbias32, as int32


def relu_dropout(values: Tensor, rate: float) -> Tensor:
    """`relu(values)`, each unit zeroed with that probability; overwrites `values`."""
    if not rate:
        return values.relu_()
    if values.device.type != "cpu" or values.dtype not in LANES or not _is_dense(values):
        kept = torch.empty_like(values, dtype=torch.bool).bernoulli_(1 - rate)
        return values.relu_() * kept
    dropped: Tensor = _ReluDropout.apply(values, rate)  # type: ignore[no-untyped-call]
    return dropped


class _ReluDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rate: float) -> Tensor:  # noqa: ANN401 (autograd's own context)
        ctx.mark_dirty(values)
        bits_N = _bits(values)
        above = min(round((1 - rate) * 2**16) - 2**15, 2**15 - 1)
        chunks = torch.split(bits_N, CHUNK)
        for chunk_N, random_N in zip(chunks, _random_bits(len(chunks)), strict=True):
            keep_N = random_N[: len(chunk_N)]
            keep_N.clamp_(above - 1, above).sub_(above)  # all bits set below `above`, else none
            chunk_N.clamp_min_(0).bitwise_and_(keep_N.to(chunk_N.dtype))
        ctx.save_for_backward(values)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (output,) = ctx.saved_tensors
        below = torch.empty_like(output)
        above = grads[0] if grads[0].stride() == output.stride() else below.copy_(grads[0])
        flat = (torch.split(_bits(one), CHUNK) for one in (above, output, below))
        for above_N, output_N, below_N in zip(*flat, strict=True):
            alive_N = output_N.clamp(max=1)  # 1 or 0, for no output has a sign
            torch.mul(above_N, alive_N, out=below_N)
        return below, None


def _random_bits(n_chunks: int) -> Iterator[Tensor]:
    """`n_chunks` times `CHUNK` random int16; each is overwritten by the next."""
    seeds = torch.empty(CHUNK // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int32)
    bits, high = torch.empty_like(seeds), torch.empty_like(seeds)
    for _ in range(n_chunks):
        torch.mul(seeds.add_(_STEP), _FIRST, out=bits)
        torch.bitwise_right_shift(bits, 15, out=high)
        high.bitwise_and_(2**17 - 1)  # the shift has copied the sign
        bits.bitwise_xor_(high).mul_(_SECOND)
        yield bits.view(torch.int16)


def _bits(values: Tensor) -> Tensor:
    """The values' bits as integers, in the order in which they lie in memory."""
    flat_N = values if values.is_contiguous() else values.permute(0, 2, 3, 1)
    return flat_N.view(-1).view(LANES[values.dtype])


def _is_dense(values: Tensor) -> bool:
    return values.is_contiguous() or (
        values.dim() == 4 and values.is_contiguous(memory_format=torch.channels_last)
    )
