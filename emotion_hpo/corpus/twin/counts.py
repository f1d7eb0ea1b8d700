"""Whole numbers that meet given sums."""

import numpy as np
from numpy.typing import NDArray


def dealt(
    total: int, weights: NDArray[np.float64], most: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Divide a number in proportion to weights, by largest remainders.

    Args:
        total: To be divided.
        weights: `(n,)`, not negative, one of them positive.
        most: At most so much for each; together at least `total`.

    >>> dealt(10, np.array([1.0, 1.0, 2.0])).tolist()
    [3, 2, 5]
    >>> dealt(10, np.array([1.0, 1.0, 2.0]), np.array([9, 9, 3])).tolist()
    [4, 3, 3]
    """
    most = np.full(len(weights), total) if most is None else most
    counts = np.zeros(len(weights), dtype=np.int64)
    while (left := total - int(counts.sum())) > 0:
        open_ = counts < most
        share = np.where(open_, np.maximum(weights, 1e-9), 0)
        exact = left * share / share.sum()
        added = np.floor(exact).astype(np.int64)
        rest = left - int(added.sum())
        added[np.argsort(added - exact, kind="stable")[:rest]] += 1
        counts = np.minimum(counts + added, most)
    return np.asarray(counts)


def meeting(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """A table in proportion to the sums of its rows and columns, which it meets.

    >>> meeting(np.array([3, 4]), np.array([2, 5])).tolist()
    [[1, 2], [1, 3]]
    """
    table = np.floor(np.outer(rows, columns) / rows.sum()).astype(np.int64)
    while (missing := rows - table.sum(axis=1)).any():
        column = int(np.argmax(columns - table.sum(axis=0)))
        table[int(np.argmax(missing)), column] += 1
    return np.asarray(table)
