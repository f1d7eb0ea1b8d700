"""Loops of dropout, compiled for the CPU by Numba; what they do is said in PyTorch in `dropout`.

They work on the bits of floats as whole numbers, of which the processor takes more at once.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[Any]

BLOCK = 1024  # units whose random bits are the lower halves of as many hashes; the next, the upper

_compiled = njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def drop(bits_N: Integers, seed: int, key: int, limit: int, lowest: int) -> None:
    """Zero a float's bits unless 16 random ones are below `limit`, and raise them to `lowest`.

    Args:
        bits_N: Bits of floats, changed in place: two arrays that might overlap use no lanes.
        seed: Of the random bits, 32 bits; a unit's depend on it, the key and its place alone.
        key: 32 bits more.
        limit: Out of 65,536.
        lowest: 0 for ReLU, since a negative float has a negative integer in its bits.
    """
    zero, floor = bits_N.dtype.type(0), bits_N.dtype.type(lowest)
    below, mixer = np.uint32(limit), np.uint32(key)
    # One hash serves two units: its lower 16 bits a unit of this block, its upper 16 bits the unit
    # at the same place of the next
    drawn = np.empty(BLOCK, np.uint32)
    for start in range(0, bits_N.shape[0], 2 * BLOCK):
        both = bits_N[start : start + 2 * BLOCK]
        lower, upper = both[:BLOCK], both[BLOCK:]
        state = np.uint32(np.uint32(seed) + np.uint32(start))
        for place in range(lower.shape[0]):
            drawn[place] = _hash(np.uint32(state + np.uint32(place)), mixer)
        for place in range(lower.shape[0]):
            survivor = lower[place] if np.uint32(drawn[place] & np.uint32(0xFFFF)) < below else zero
            lower[place] = max(survivor, floor)
        for place in range(upper.shape[0]):
            survivor = upper[place] if np.uint32(drawn[place] >> np.uint32(16)) < below else zero
            upper[place] = max(survivor, floor)


@_compiled
def pass_where_alive(above_N: Integers, output_N: Integers, below_N: Integers) -> None:
    """Hand a gradient's bits down where a ReLU's output is not zero."""
    zero = above_N.dtype.type(0)
    for place in range(above_N.shape[0]):
        below_N[place] = above_N[place] if output_N[place] > zero else zero


@njit(inline="always")
def _hash(value: Any, key: Any) -> Any:  # noqa: ANN401 (uint32)
    """Hash by C. Wellons's `lowbias32`, with a key that keeps two draws from being alike."""
    value = np.uint32(value ^ np.uint32(value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x7FEB352D))
    value = np.uint32(value ^ key)
    value = np.uint32(value ^ np.uint32(value >> np.uint32(15)))
    value = np.uint32(value * np.uint32(0x846CA68B))
    return np.uint32(value ^ np.uint32(value >> np.uint32(16)))
