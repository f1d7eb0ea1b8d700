"""Rows of numbers in blocks of columns, and bytes as tensors, for models without layers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

Block = Any  # a dense array or a sparse matrix `(n, d)`, float32


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows of numbers, an utterance each, in blocks of columns.

    Attributes:
        blocks: `(n, d)` each, dense or sparse.
        n: Rows.
    """

    blocks: tuple[Block, ...]
    n: int

    @property
    def widths(self) -> list[int]:
        """Columns of each block."""
        return [block.shape[1] for block in self.blocks]

    def rows(self, chosen: NDArray[np.int64]) -> "Vectors":
        """Return some of the rows."""
        return Vectors(tuple(block[chosen] for block in self.blocks), len(chosen))

    def with_dense(self, length: float) -> "Vectors":
        """Return the same with dense rows so many times as long."""
        if length == 1:
            return self
        factor = np.float32(length)
        blocks = (block if is_sparse(block) else block * factor for block in self.blocks)
        return Vectors(tuple(blocks), self.n)


def is_sparse(block: Block) -> bool:
    """Return whether a block is a sparse matrix."""
    return bool(sparse.issparse(block))


def to_bytes(content: bytes) -> Tensor:
    """Return bytes as a tensor, which a model's file can hold."""
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def from_bytes(tensor: Tensor) -> bytes:
    """Return the bytes of a tensor."""
    return tensor.numpy().tobytes()
