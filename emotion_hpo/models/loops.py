"""Loops over rows and units, compiled for the CPU by Numba.

A chain of PyTorch's operations writes every intermediate to memory and reads it back; where the
arithmetic of each is small, that takes most of the time. A compiled loop keeps them in registers.
What is here is said once more in PyTorch, for other devices, in `additive_attention` and `dropout`.
The compiled code is cached beside this file, or in the folder that `NUMBA_CACHE_DIR` names.

Numba computes in 64 bits wherever it is not held to 32, which halves the lanes: hence the casts.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[Any]

BLOCK = 1024  # units whose random bits are the lower halves of as many hashes; the next, the upper

# Sums in any order, so that they use all lanes; NaN and infinity keep their meaning
_compiled = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}
)


@_compiled
def attend(
    exp_query_BU: Floats,
    exp_keys_BTU: Floats,
    energy_U: Floats,
    lengths_B: Integers,
    values_BTD: Floats,
    weights_BT: Floats,
    context_BD: Floats,
) -> None:
    """Write weights and context; what lies beyond an utterance's length stays as it is."""
    unity, factor = np.float32(1), np.float32(-2)
    for row in range(exp_query_BU.shape[0]):
        length = lengths_B[row]
        largest = np.float32(-np.inf)  # taken off before exp, which else overflows
        for step in range(length):
            total = np.float32(0)
            for unit in range(energy_U.shape[0]):
                product = exp_query_BU[row, unit] * exp_keys_BTU[row, step, unit]
                total += energy_U[unit] / (unity + product)
            weights_BT[row, step] = factor * total
            largest = max(largest, factor * total)
        total = np.float32(0)
        for step in range(length):
            weights_BT[row, step] = math.exp(weights_BT[row, step] - largest)
            total += weights_BT[row, step]
        context_BD[row] = 0
        for step in range(length):
            weights_BT[row, step] /= total
            for column in range(values_BTD.shape[2]):
                context_BD[row, column] += weights_BT[row, step] * values_BTD[row, step, column]


@_compiled
def attend_backward(
    d_context_BD: Floats,
    weights_BT: Floats,
    exp_query_BU: Floats,
    exp_keys_BTU: Floats,
    energy_U: Floats,
    lengths_B: Integers,
    values_BTD: Floats,
    d_query_BU: Floats,
    d_keys_BTU: Floats,
    d_energy_BU: Floats,
) -> None:
    """Write the query's gradient; add those of keys and energy, the keys' without 4 energy."""
    unity, two, four = np.float32(1), np.float32(2), np.float32(4)
    d_weights_T = np.empty(weights_BT.shape[1], np.float32)
    for row in range(d_context_BD.shape[0]):
        length = lengths_B[row]
        mean = np.float32(0)
        for step in range(length):
            total = np.float32(0)
            for column in range(values_BTD.shape[2]):
                total += d_context_BD[row, column] * values_BTD[row, step, column]
            d_weights_T[step] = total
            mean += weights_BT[row, step] * total
        d_query_BU[row] = 0
        for step in range(length):
            d_energy = weights_BT[row, step] * (d_weights_T[step] - mean)
            for unit in range(energy_U.shape[0]):
                product = exp_query_BU[row, unit] * exp_keys_BTU[row, step, unit]
                quotient = unity / (unity + product)
                slope = d_energy * (quotient - quotient * quotient)
                d_query_BU[row, unit] += slope
                d_keys_BTU[row, step, unit] += slope
                d_energy_BU[row, unit] -= two * d_energy * quotient
        for unit in range(energy_U.shape[0]):
            d_query_BU[row, unit] *= four * energy_U[unit]


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
    # One hash serves two units, so that each costs half of one: its lower 16 bits a unit of this
    # block, its upper 16 bits the unit at the same place of the next
    for start in range(0, bits_N.shape[0], 2 * BLOCK):
        both = bits_N[start : start + 2 * BLOCK]
        lower, upper = both[:BLOCK], both[BLOCK:]
        state = np.uint32(np.uint32(seed) + np.uint32(start))
        for place in range(lower.shape[0]):
            drawn = np.uint32(_hash(np.uint32(state + np.uint32(place)), mixer))
            survivor = lower[place] if np.uint32(drawn & np.uint32(0xFFFF)) < below else zero
            lower[place] = max(survivor, floor)
        for place in range(upper.shape[0]):
            drawn = np.uint32(_hash(np.uint32(state + np.uint32(place)), mixer))
            survivor = upper[place] if np.uint32(drawn >> np.uint32(16)) < below else zero
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
