"""Loops over rows and units, compiled for the CPU by Numba.

A chain of PyTorch's operations writes every intermediate to memory and reads it back; where the
arithmetic of each is small, that takes most of the time. A compiled loop keeps them in registers.
What is here is said once more in PyTorch, for other devices, in `additive_attention`.
The compiled code is cached beside this file, or in the folder that `NUMBA_CACHE_DIR` names.

Numba computes in 64 bits wherever it is not held to 32, which halves the lanes: hence the casts.
For `math.exp` and `math.tanh` it calls the C library once a number, unless a library of Intel's is
installed: some ten times as long. Here the exponential is Cephes's polynomial (`expf`, S. L.
Moshier 1992), right to 3e-7 of its value; below -87 and above 88 it stays where it is there, and
NaN stays NaN. Numba's cache of `alone` and `cell_loops` does not see a change here: remove it
(`__pycache__`) afterwards.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[Any]

SATURATED = 22.0  # exp(4 * 22) < 3.4e38
_LOWEST, _HIGHEST = np.float32(-87), np.float32(88)
_PER_TWO, _TWO = np.float32(1 / np.log(2)), np.float32(np.log(2))
_BIAS = 127  # of a float's exponent

# Sums in any order, so that they use all lanes; NaN and infinity keep their meaning
compiled = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}
)


@njit(inline="always")
def exponential(value: Any) -> Any:  # noqa: ANN401 (float32)
    """Return e to the power of a float32."""
    held = max(value, _LOWEST)
    held = min(held, _HIGHEST)
    exponent = np.int32(held * _PER_TWO + np.float32(_BIAS + 0.5))  # rounds: it is positive
    rest = held - np.float32(exponent - np.int32(_BIAS)) * _TWO
    total = np.float32(1.9875691500e-4)
    total = total * rest + np.float32(1.3981999507e-3)
    total = total * rest + np.float32(8.3334519073e-3)
    total = total * rest + np.float32(4.1665795894e-2)
    total = total * rest + np.float32(1.6666665459e-1)
    total = total * rest + np.float32(5.0000001201e-1)
    total = total * rest * rest + rest + np.float32(1)
    return total * _as_float(np.int32(exponent << np.int32(23)))  # type: ignore[call-arg] # Numba's


@njit(inline="always")
def sigmoid(value: Any) -> Any:  # noqa: ANN401
    """Return the logistic function of a float32."""
    return np.float32(1) / (np.float32(1) + exponential(-value))


@njit(inline="always")
def tanh(value: Any) -> Any:  # noqa: ANN401
    """Return the hyperbolic tangent of a float32, right to 2e-7."""
    return np.float32(1) - np.float32(2) / (np.float32(1) + exponential(value + value))


@intrinsic
def _as_float(_context: Any, _bits: Any) -> Any:  # noqa: ANN401 (Numba's own)
    """Return the float32 of an int32's bits."""

    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), build


@compiled
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


@compiled
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
