"""Functions of compiled loops against NumPy's, which compute in 64 bits."""

import numpy as np
import pytest
from numba import njit

from emotion_hpo.models import loops

NUMBERS = np.linspace(-86, 87, 100_001).astype(np.float32)


@pytest.fixture(scope="module")
def computed():
    """A function over an array, compiled as the loops are."""

    def run(function, numbers):
        @njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
        def loop(numbers, results):
            for place in range(numbers.shape[0]):
                results[place] = function(numbers[place])

        results = np.empty_like(numbers)
        loop(numbers, results)
        return results

    return run


def test_the_exponential_is_right(computed):
    exact = np.exp(NUMBERS.astype(np.float64))
    assert np.abs(computed(loops.exponential, NUMBERS) / exact - 1).max() < 4e-7


def test_sigmoid_and_tanh_are_right(computed):
    exact = NUMBERS.astype(np.float64)
    assert np.abs(computed(loops.sigmoid, NUMBERS) - 1 / (1 + np.exp(-exact))).max() < 3e-7
    assert np.abs(computed(loops.tanh, NUMBERS) - np.tanh(exact)).max() < 3e-7


def test_it_saturates_and_keeps_nan(computed):
    """A whole lane's width of them, so that the loop's fast part meets them."""
    numbers = np.tile(np.array([np.nan, np.inf, -np.inf, 1000, -1000], np.float32), 16)
    exponentials, tanhs = (
        computed(function, numbers) for function in (loops.exponential, loops.tanh)
    )
    assert np.isnan(exponentials[::5]).all()
    assert np.isnan(tanhs[::5]).all()
    for place, low_or_high in ((1, 1), (2, -1), (3, 1), (4, -1)):
        np.testing.assert_array_equal(tanhs[place::5], low_or_high)
    assert (exponentials[2::5] < 1e-37).all()
    assert (exponentials[1::5] > 1e37).all()
