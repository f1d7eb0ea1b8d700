"""The gates of the attention decoder over the rows of a step, compiled for the CPU by Numba.

A step has a few products, and between them a dozen small operations: as operations of PyTorch each
costs more to call than to compute. What is here is said once more in PyTorch, for other devices, in
`decoder_cell`, whose attributes the arrays are. Gates are in the order r, z, p, output.
"""

import numpy as np

from emotion_hpo.models.loops import Floats, compiled, exponential, sigmoid, tanh


@compiled
def open_gates(
    step: int,
    sums_BX: Floats,
    from_context_BG: Floats,
    bias_G: Floats,
    carried_NBH: Floats,
    gates_NBG: Floats,
    reset_BU: Floats,
) -> None:
    """Write r, z and the sums of the rest; `reset_BU` becomes r * s."""
    n, units = reset_BU.shape
    for row in range(n):
        gates_G, sums_X, context_G = gates_NBG[step, row], sums_BX[row], from_context_BG[row]
        for gate in range(4 * units):
            gates_G[gate] = sums_X[units + gate] + context_G[gate] + bias_G[gate]
        for gate in range(2 * units):
            gates_G[gate] = sigmoid(gates_G[gate])
        for unit in range(units):
            reset_BU[row, unit] = gates_G[unit] * carried_NBH[step, row, units + unit]


@compiled
def close_gates(step: int, from_reset_BU: Floats, carried_NBH: Floats, gates_NBG: Floats) -> None:
    """Write p, and the output and the state after the step."""
    n, units = from_reset_BU.shape
    for row in range(n):
        gates_G, next_H = gates_NBG[step, row], carried_NBH[step + 1, row]
        largest = gates_G[3 * units]
        for gate in range(3 * units, 4 * units):
            largest = max(largest, gates_G[gate])
        total = np.float32(0)
        for unit in range(units):
            term = exponential(gates_G[3 * units + unit] - largest)
            next_H[unit] = term
            total += term
        share = np.float32(1) / total
        for unit in range(units):
            next_H[unit] *= share
        for unit in range(units):
            proposal = tanh(gates_G[2 * units + unit] + from_reset_BU[row, unit])
            gates_G[2 * units + unit] = proposal
            state = carried_NBH[step, row, units + unit]
            next_H[units + unit] = state + gates_G[units + unit] * (proposal - state)


@compiled
def close_backward(
    step: int,
    n: int,
    d_outputs_BTU: Floats,
    carried_NBH: Floats,
    gates_NBG: Floats,
    d_carried_BH: Floats,
    d_sums_NBX: Floats,
) -> None:
    """Write the gradients of z, p and output, each behind the U of the query and the U of r."""
    units = d_outputs_BTU.shape[2]
    unity = np.float32(1)
    for row in range(n):
        gates_G, d_sums_X = gates_NBG[step, row], d_sums_NBX[step, row]
        output_H, state_H = carried_NBH[step + 1, row], carried_NBH[step, row]
        d_carried_H, d_outputs_U = d_carried_BH[row], d_outputs_BTU[row, step]
        total = np.float32(0)
        for unit in range(units):
            total += (d_carried_H[unit] + d_outputs_U[unit]) * output_H[unit]
        for unit in range(units):
            above = d_carried_H[unit] + d_outputs_U[unit]
            d_sums_X[4 * units + unit] = output_H[unit] * (above - total)
        for unit in range(units):
            above = d_carried_H[units + unit]
            update, proposal = gates_G[units + unit], gates_G[2 * units + unit]
            slope = update - update * update
            d_sums_X[2 * units + unit] = above * (proposal - state_H[units + unit]) * slope
            d_sums_X[3 * units + unit] = above * update * (unity - proposal * proposal)


@compiled
def open_backward(
    step: int,
    d_reset_BU: Floats,
    carried_NBH: Floats,
    gates_NBG: Floats,
    d_carried_BH: Floats,
    d_sums_NBX: Floats,
) -> None:
    """Write the gradient of r; leave of `d_carried_BH` what reaches the state before directly."""
    n, units = d_reset_BU.shape
    for row in range(n):
        gates_G, d_carried_H, d_reset_U = gates_NBG[step, row], d_carried_BH[row], d_reset_BU[row]
        for unit in range(units):
            reset = gates_G[unit]
            state = carried_NBH[step, row, units + unit]
            d_sums_NBX[step, row, units + unit] = d_reset_U[unit] * state * (reset - reset * reset)
        for unit in range(units):
            direct = d_carried_H[units + unit] * (np.float32(1) - gates_G[units + unit])
            d_carried_H[units + unit] = direct + d_reset_U[unit] * gates_G[unit]
            d_carried_H[unit] = 0
