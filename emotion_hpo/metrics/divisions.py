"""Random divisions of groups into equal parts that have their share of every class."""

import numpy as np
from numpy.typing import NDArray


def balanced_divisions(
    counts_GC: NDArray[np.float64], n_parts: int, n_divisions: int, seed: int
) -> NDArray[np.int64]:
    """Divide groups into parts, again and again.

    One group after the other, in a random order, goes where its classes and its members are rarest
    so far. scikit-learn's `StratifiedGroupKFold` does so too, but nearly always in the same order:
    its divisions are few.

    Args:
        counts_GC: Members of each group by class; at least as many groups as parts.
        n_parts: Of each division; none of them is empty.
        n_divisions: How many.
        seed: Of the orders.

    Returns:
        The part of each group, `(divisions, groups)`.
    """
    generator, n_groups = np.random.default_rng(seed), len(counts_GC)
    counts_GK = np.column_stack([counts_GC, counts_GC.sum(1)])
    counts_GK = counts_GK[:, counts_GK.any(0)]
    shares_GK = counts_GK / counts_GK.sum(0)
    order_DG = generator.permuted(np.tile(np.arange(n_groups), (n_divisions, 1)), axis=1)
    filled_DPK = np.zeros((n_divisions, n_parts, counts_GK.shape[1]))
    part_DG, every_D = np.empty_like(order_DG), np.arange(n_divisions)
    for group_D in order_DG.T:
        more_DK = shares_GK[group_D]
        # What the sum of the filled shares' squares, least when they are equal, grows by
        growth_DP = ((2 * filled_DPK + more_DK[:, None]) * more_DK[:, None]).sum(2)
        part_D = growth_DP.argmin(1)
        filled_DPK[every_D, part_D] += more_DK
        part_DG[every_D, group_D] = part_D
    return part_DG
