"""Loops over rows and units, compiled for the CPU by Numba.

A chain of PyTorch's operations writes every intermediate to memory and reads it back; where the
arithmetic of each is small, that takes most of the time. A compiled loop keeps them in registers.
What is here is said once more in PyTorch, for other devices, in `additive_attention` and `dropout`.
The compiled code is cached beside this file, or in the folder that `NUMBA_CACHE_DIR` names.

Numba computes in 64 bits wherever it is not held to 32, which halves the lanes: hence the casts.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from emotion_hpo.models.lanes import exponential

Floats = NDArray[np.float32]
Integers = NDArray[Any]

SATURATED = 22.0  # exp(4 * 22) < 3.4e38
BLOCK = 1024  # units whose random bits are the lower halves of as many hashes; the next, the upper

# Sums in any order, so that they use all lanes; NaN and infinity keep their meaning
_compiled = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}
)


@_compiled
def attend(
    step: int,
    sums_BX: Floats,
    exp_keys_BTU: Floats,
    energy_U: Floats,
    lengths_B: Integers,
    values_BTD: Floats,
    exp_queries_NBU: Floats,
    weights_NBT: Floats,
    contexts_NBD: Floats,
) -> None:
    """Write exponentials, weights and contexts of the queries that a step's sums begin with.

    What lies beyond an utterance's length stays as it is.
    """
    unity, factor, saturated = np.float32(1), np.float32(-2), np.float32(SATURATED)
    units = energy_U.shape[0]
    for row in range(sums_BX.shape[0]):
        weights_T, context_D = weights_NBT[step, row], contexts_NBD[step, row]
        exp_query_U, length = exp_queries_NBU[step, row], lengths_B[row]
        for unit in range(units):
            held = min(max(sums_BX[row, unit], -saturated), saturated)
            exp_query_U[unit] = exponential(held + held)
        largest = np.float32(-np.inf)  # taken off before the exponential, which else overflows
        for place in range(length):
            total = np.float32(0)
            for unit in range(units):
                product = exp_query_U[unit] * exp_keys_BTU[row, place, unit]
                total += energy_U[unit] / (unity + product)
            weights_T[place] = factor * total
            largest = max(largest, factor * total)
        total = np.float32(0)
        for place in range(length):
            weights_T[place] = exponential(weights_T[place] - largest)
            total += weights_T[place]
        context_D[:] = 0
        for place in range(length):
            weights_T[place] /= total
            weight = weights_T[place]
            for column in range(values_BTD.shape[2]):
                context_D[column] += weight * values_BTD[row, place, column]


@_compiled
def attend_backward(
    step: int,
    d_context_BD: Floats,
    d_sums_BX: Floats,
    exp_keys_BTU: Floats,
    energy_U: Floats,
    lengths_B: Integers,
    values_BTD: Floats,
    exp_queries_NBU: Floats,
    weights_NBT: Floats,
    d_keys_BTU: Floats,
    d_energy_BU: Floats,
) -> None:
    """Write the queries' gradient; add those of keys and energy, the keys' without 4 energy."""
    unity, two, four = np.float32(1), np.float32(2), np.float32(4)
    units = energy_U.shape[0]
    d_weights_T = np.empty(weights_NBT.shape[2], np.float32)
    for row in range(d_context_BD.shape[0]):
        weights_T, exp_query_U = weights_NBT[step, row], exp_queries_NBU[step, row]
        d_context_D, d_query_U, length = d_context_BD[row], d_sums_BX[row], lengths_B[row]
        mean = np.float32(0)
        for place in range(length):
            total = np.float32(0)
            for column in range(values_BTD.shape[2]):
                total += d_context_D[column] * values_BTD[row, place, column]
            d_weights_T[place] = total
            mean += weights_T[place] * total
        d_query_U[:units] = 0
        for place in range(length):
            d_energy = weights_T[place] * (d_weights_T[place] - mean)
            for unit in range(units):
                product = exp_query_U[unit] * exp_keys_BTU[row, place, unit]
                quotient = unity / (unity + product)
                slope = d_energy * (quotient - quotient * quotient)
                d_query_U[unit] += slope
                d_keys_BTU[row, place, unit] += slope
                d_energy_BU[row, unit] -= two * d_energy * quotient
        for unit in range(units):
            d_query_U[unit] *= four * energy_U[unit]


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
