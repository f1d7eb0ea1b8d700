"""Exponential, sigmoid and tanh of float32 that compiled loops compute for a lane's width at once.

Numba calls the C library once a number for `math.exp` and `math.tanh`, unless a library of Intel's
is installed: some ten times as long. Here the exponential is Cephes's polynomial (`expf`, S. L.
Moshier 1992), right to 3e-7 of its value; below -87 and above 88 it stays where it is there, and
NaN stays NaN. Numba's cache does not see a change here: remove it (`__pycache__`) afterwards.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_LOWEST, _HIGHEST = np.float32(-87), np.float32(88)
_PER_TWO, _TWO = np.float32(1 / np.log(2)), np.float32(np.log(2))
_BIAS = 127  # of a float's exponent


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
