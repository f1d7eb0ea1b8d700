"""Masked steps: the few operations that keep padding and lost frames from changing any output.

Where a mask is False, values may be anything, NaN included; `clean` makes them zero before they
meet a weight (a product with zero would keep the NaN). Recurrent layers want the valid steps in one
piece: `compact` moves them to the left, after which lengths say all that the mask said.

Reordering steps within an utterance is a permutation, so its gradient is the inverse permutation: a
row copy. PyTorch's own gradient of an index is an accumulating scatter, several times as slow.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Compacted(NamedTuple):
    """Steps in one piece: `(B, T, D)` values, `(B, T)` mask, `(B,)` lengths."""

    values: Tensor
    mask: Tensor
    lengths: Tensor


class EncodedSteps(NamedTuple):
    """One modality, for a head that looks at steps.

    Attributes:
        vector: `(B, output_units)`, zero where the utterance lacks the modality.
        steps: `(B, T, step_units)`, finite where masked.
        mask: `(B, T)`, False at every step of an utterance that lacks the modality.
    """

    vector: Tensor
    steps: Tensor
    mask: Tensor


def clean(values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Return zero wherever the mask is False, whatever stands there."""
    return torch.where(mask_BT[:, :, None], values_BTD, 0.0)


def compact(values_BTD: Tensor, mask_BT: Tensor) -> Compacted:
    """Move the valid steps of each utterance to the left, keeping their order."""
    lengths_B = mask_BT.sum(dim=1)
    # On a GPU, to look whether there are holes would wait for the device; reordering does not. A
    # trace holds for every mask.
    if (
        mask_BT.is_cuda
        or torch.onnx.is_in_onnx_export()
        or bool((mask_BT[:, 1:] & ~mask_BT[:, :-1]).any())
    ):
        n_steps = mask_BT.shape[1]
        step_T = torch.arange(n_steps, device=mask_BT.device)
        order_BT = torch.argsort(torch.where(mask_BT, step_T, step_T + n_steps), dim=1)
        values_BTD = permute_steps(values_BTD, order_BT, torch.argsort(order_BT, dim=1))
        mask_BT = torch.arange(mask_BT.shape[1], device=mask_BT.device) < lengths_B[:, None]
    return Compacted(values_BTD, mask_BT, lengths_B)


def reversal(lengths_B: Tensor, n_steps: int) -> Tensor:
    """Return the `(B, T)` order that turns each utterance around and leaves its padding in place.

    >>> reversal(torch.tensor([3, 1]), 4)
    tensor([[2, 1, 0, 3],
            [0, 1, 2, 3]])
    """
    step_T = torch.arange(n_steps, device=lengths_B.device)
    return torch.where(step_T < lengths_B[:, None], lengths_B[:, None] - 1 - step_T, step_T)


def permute_steps(values_BTD: Tensor, order_BT: Tensor, inverse_BT: Tensor) -> Tensor:
    """Reorder each utterance's steps; `inverse_BT` undoes `order_BT` and carries the gradient."""
    permuted: Tensor = _PermuteSteps.apply(values_BTD, order_BT, inverse_BT)  # type: ignore[no-untyped-call]
    return permuted


def pad_steps(values_BTD: Tensor, n_steps: int) -> Tensor:
    """Fill up with zeros to exactly `n_steps`.

    Raises:
        ValueError: There are more steps than that.
    """
    missing = n_steps - values_BTD.shape[1]
    if missing < 0:
        raise ValueError(f"at most {n_steps} steps fit, but got {values_BTD.shape[1]}")
    return F.pad(values_BTD, (0, 0, 0, missing)) if missing else values_BTD


class _PermuteSteps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values_BTD: Tensor, order_BT: Tensor, inverse_BT: Tensor) -> Tensor:  # noqa: ANN401 (autograd's own context)
        ctx.save_for_backward(inverse_BT)
        return _take(values_BTD, order_BT)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (inverse_BT,) = ctx.saved_tensors
        return _take(grads[0], inverse_BT), None, None


def _take(values_BTD: Tensor, order_BT: Tensor) -> Tensor:
    n, n_steps, dimensions = values_BTD.shape
    rows_BT = order_BT + n_steps * torch.arange(n, device=order_BT.device)[:, None]
    taken = values_BTD.reshape(n * n_steps, dimensions).index_select(0, rows_BT.flatten())
    return taken.view(n, n_steps, dimensions)
