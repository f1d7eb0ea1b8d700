"""Recurrences over the steps of one utterance, compiled for the CPU by Numba, in float32.

Of one utterance a step's products are those of a vector with a matrix. As operations of PyTorch
each costs more to call than to compute, and a fused kernel sets each new length up anew. What is
here is said once more in PyTorch, for batches and other devices, in `cells` and
`attention_decoder`.
"""

import numpy as np
from numba import njit

from emotion_hpo.models.loops import Floats, compiled, exponential, sigmoid, tanh


@njit(inline="always")
def _add_product(row_I: Floats, table_IO: Floats, sums_O: Floats, first: int, end: int) -> None:
    """Add the columns `first` … `end` of a row's product with a table, four rows at a time."""
    whole = row_I.shape[0] // 4 * 4
    for index in range(0, whole, 4):
        a, b, c, d = row_I[index], row_I[index + 1], row_I[index + 2], row_I[index + 3]
        for column in range(first, end):
            left = a * table_IO[index, column] + b * table_IO[index + 1, column]
            right = c * table_IO[index + 2, column] + d * table_IO[index + 3, column]
            sums_O[column] += left + right
    for index in range(whole, row_I.shape[0]):
        for column in range(first, end):
            sums_O[column] += row_I[index] * table_IO[index, column]


@compiled
def lstm(gates_TG: Floats, weight_GU: Floats, states_TU: Floats) -> None:
    """Write the states after every step.

    Args:
        gates_TG: What the inputs and biases give the gates in, forget, cell and out, `(T, 4U)`;
            overwritten.
        weight_GU: From the state before, `(4U, U)`.
        states_TU: The result.
    """
    n_steps, units = states_TU.shape
    cell_U = np.zeros(units, np.float32)
    for step in range(n_steps):
        gates_G = gates_TG[step]
        if step:
            _add_state(states_TU[step - 1], weight_GU, gates_G)
        for unit in range(units):
            entering = sigmoid(gates_G[unit]) * tanh(gates_G[2 * units + unit])
            cell_U[unit] = sigmoid(gates_G[units + unit]) * cell_U[unit] + entering
        for unit in range(units):
            states_TU[step, unit] = sigmoid(gates_G[3 * units + unit]) * tanh(cell_U[unit])


@njit(inline="always")
def _add_state(state_U: Floats, weight_GU: Floats, gates_G: Floats) -> None:
    """Add the product of weights and state to the gates, four of them at a time."""
    for gate in range(0, gates_G.shape[0], 4):
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for unit in range(state_U.shape[0]):
            state = state_U[unit]
            a += weight_GU[gate, unit] * state
            b += weight_GU[gate + 1, unit] * state
            c += weight_GU[gate + 2, unit] * state
            d += weight_GU[gate + 3, unit] * state
        gates_G[gate] += a
        gates_G[gate + 1] += b
        gates_G[gate + 2] += c
        gates_G[gate + 3] += d


@compiled
def decode(
    values_TD: Floats,
    exp_keys_TU: Floats,
    state_U: Floats,
    energy_U: Floats,
    query_UU: Floats,
    from_output_UG: Floats,
    from_state_UG: Floats,
    from_context_DG: Floats,
    bias_G: Floats,
    outputs_TU: Floats,
) -> None:
    """Write the attention decoder's output of every step; the gates' order: r, z, p, output.

    Args:
        values_TD: What is attended to.
        exp_keys_TU: Their keys, as `additive_attention` has them.
        state_U: The first state; overwritten.
        energy_U: As the next ones, a weight of `AttentionDecoder`.
        query_UU: From state to query.
        from_output_UG: From the last output to the gates.
        from_state_UG: From the state; to p, after the reset.
        from_context_DG: From the context.
        bias_G: Of the gates.
        outputs_TU: The result.
    """
    n_steps, units = exp_keys_TU.shape
    output_U = np.zeros(units, np.float32)
    query_U, reset_U = np.empty(units, np.float32), np.empty(units, np.float32)
    context_D, gates_G = np.empty(values_TD.shape[1], np.float32), np.empty(4 * units, np.float32)
    weights_T = np.empty(n_steps, np.float32)
    for step in range(n_steps):
        query_U[:] = 0
        _add_product(state_U, query_UU, query_U, 0, units)
        _attend(values_TD, exp_keys_TU, energy_U, query_U, weights_T, context_D)
        gates_G[:] = bias_G
        _add_product(output_U, from_output_UG, gates_G, 0, 4 * units)
        _add_product(context_D, from_context_DG, gates_G, 0, 4 * units)
        _add_product(state_U, from_state_UG, gates_G, 0, 2 * units)
        _add_product(state_U, from_state_UG, gates_G, 3 * units, 4 * units)
        for unit in range(units):
            reset_U[unit] = sigmoid(gates_G[unit]) * state_U[unit]
        _add_product(reset_U, from_state_UG, gates_G, 2 * units, 3 * units)
        largest, total = gates_G[3 * units], np.float32(0)
        for unit in range(units):
            largest = max(largest, gates_G[3 * units + unit])
        for unit in range(units):
            update, proposal = sigmoid(gates_G[units + unit]), tanh(gates_G[2 * units + unit])
            state_U[unit] += update * (proposal - state_U[unit])
        for unit in range(units):
            term = exponential(gates_G[3 * units + unit] - largest)
            output_U[unit] = term
            total += term
        for unit in range(units):
            output_U[unit] /= total
            outputs_TU[step, unit] = output_U[unit]


@njit(inline="always")
def _attend(
    values_TD: Floats,
    exp_keys_TU: Floats,
    energy_U: Floats,
    query_U: Floats,
    weights_T: Floats,
    context_D: Floats,
) -> None:
    """Write the weights of all steps and the context; the query becomes its exponential."""
    n_steps, units = exp_keys_TU.shape
    saturated, unity = np.float32(22), np.float32(1)
    for unit in range(units):
        held = min(max(query_U[unit], -saturated), saturated)
        query_U[unit] = exponential(held + held)
    largest = np.float32(-np.inf)
    for step in range(n_steps):
        total = np.float32(0)
        for unit in range(units):
            total += energy_U[unit] / (unity + query_U[unit] * exp_keys_TU[step, unit])
        weights_T[step] = np.float32(-2) * total
        largest = max(largest, weights_T[step])
    total = np.float32(0)
    for step in range(n_steps):
        weights_T[step] = exponential(weights_T[step] - largest)
        total += weights_T[step]
    context_D[:] = 0
    for step in range(n_steps):
        weight = weights_T[step] / total
        for column in range(values_TD.shape[1]):
            context_D[column] += weight * values_TD[step, column]
