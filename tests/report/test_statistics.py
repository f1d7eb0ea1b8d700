"""What a report computes, against enumeration and against studies whose truth is known."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.config import Range
from emotion_hpo.report.statistics import best_so_far, expected_best, importance, scaled

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(VALUES)
def test_expected_best_is_the_mean_over_all_choices(values):
    """The definition itself: every choice of k trials, as likely as any other."""
    for k, found in enumerate(expected_best(values), 1):
        exact = np.mean([max(chosen) for chosen in combinations(values, k)])
        assert found == pytest.approx(exact)


def test_expected_best_of_many_trials_does_not_overflow():
    values = np.random.default_rng(0).normal(size=500)
    found = expected_best(values)
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(values.mean())
    assert found[-1] == values.max()
    assert (np.diff(found) > 0).all()


@given(VALUES, st.sampled_from([1, -1]))
def test_best_so_far_never_gets_worse(values, sign):
    found = sign * best_so_far(values, sign)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == max(sign * one for one in values)


SPACE = {
    "model.dropout": Range(low=0.0, high=0.4),
    "training.learning_rate": Range(low=1e-4, high=1e-2, log=True),
    "model.fusion.name": Range(choices=("concat", "gated")),
}


def draw_figure(n, effect):
    generator = np.random.default_rng(0)
    params = [
        {
            "model.dropout": generator.uniform(0, 0.4),
            "training.learning_rate": 10 ** generator.uniform(-4, -2),
            "model.fusion.name": str(generator.choice(["concat", "gated"])),
        }
        for _ in range(n)
    ]
    return params, [effect(one) + generator.normal(0, 0.01) for one in params]


@pytest.mark.parametrize(
    ("matters", "effect"),
    [
        ("model.dropout", lambda one: one["model.dropout"]),
        ("training.learning_rate", lambda one: np.log10(one["training.learning_rate"]) / 5),
        ("model.fusion.name", lambda one: 0.2 * (one["model.fusion.name"] == "gated")),
    ],
)
def test_the_parameter_that_decides_is_the_most_important(matters, effect):
    found = importance(*draw_figure(60, effect), SPACE)
    assert next(iter(found.shares)) == matters
    assert found.explained > 0.7
    others = [one for path, one in found.intervals.items() if path != matters]
    assert all(one.high < found.intervals[matters].low for one in others)


def test_noise_is_told_from_effect():
    found = importance(*draw_figure(60, lambda _: 0.0), SPACE)
    assert found.explained < 0.1
    assert all(one.low < 0.1 for one in found.intervals.values())


@pytest.mark.parametrize(
    ("n", "effect"), [(9, lambda one: one["model.dropout"]), (0, lambda _: 0.0)]
)
def test_too_few_trials_have_no_importance(n, effect):
    assert importance(*draw_figure(n, effect), SPACE) is None


def test_equal_values_have_no_importance():
    params, _ = draw_figure(20, lambda _: 0.0)
    assert importance(params, [0.5] * 20, SPACE) is None


@pytest.mark.parametrize(
    ("one", "value", "place"),
    [
        (Range(low=0.0, high=0.4), 0.1, 0.25),
        (Range(low=1e-4, high=1e-2, log=True), 1e-3, 0.5),
        (Range(low=3, high=3), 3, 0.5),
        (Range(choices=("a", "b", None)), "b", 0.5),
        (Range(choices=("a", "b", None)), None, 1.0),
        (Range(choices=("a", "b")), None, -0.1),
        (Range(low=0.0, high=0.4), None, -0.1),
    ],
)
def test_place_in_a_range(one, value, place):
    assert scaled(one, value) == pytest.approx(place)
