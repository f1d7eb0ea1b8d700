"""Every value that a sampler draws or a grid lists lies in the space."""

import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_hpo.config import Range, build
from emotion_hpo.errors import StudyError
from emotion_hpo.search.optuna.sampling import distribution, draw, sampler
from emotion_hpo.search.space import applies, grid_points
from tests.pipeline import compose_config

#: Every kind of range, with steps that do not divide their range.
SPACE = {
    path: build(Range, one)
    for path, one in {
        "steps": {"low": 4, "high": 15, "step": 4},
        "fine_steps": {"low": 0.0, "high": 1.0, "step": 0.3},
        "whole": {"low": -3, "high": 3},
        "whole_log": {"low": 1, "high": 100, "log": True},
        "share": {"low": 0.0, "high": 0.4},
        "rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "fixed": {"low": 7, "high": 7},
        "choice": {"choices": ["a", None, 1, False]},
        "of_a": {"low": 1, "high": 10, "step": 6, "when": {"choice": "a"}},
    }.items()
}

STARTS = {"tpe": 4, "gp": 4, "cmaes": 4}


@pytest.mark.parametrize("name", ["random", "tpe", "gp", "cmaes", "qmc", "nsga2", "grid"])
def test_every_sampler_stays_in_the_space(name):
    start = [f"sampler.n_startup_trials={STARTS[name]}"] if name in STARTS else []
    config = compose_config("study=smoke", f"sampler={name}", *start)
    study = optuna.create_study(direction="maximize")
    for number in range(8):
        study.sampler = sampler(config, number)
        trial = study.ask()
        params = {}
        for path, one in SPACE.items():
            if applies(one, params):
                params[path] = draw(trial, path, one)
                assert one.contains(params[path]), (path, params[path])
                if one.is_integer:
                    assert type(params[path]) is int
        # The best lies at the upper ends, where a sampler is drawn out of its range
        study.tell(trial, params["steps"] + params["fine_steps"] + math.log(params["rate"]))


def test_a_grid_stays_in_the_space():
    space = {path: one for path, one in SPACE.items() if not one.when}
    points = grid_points(space, 3, seed=0)
    assert {point["steps"] for point in points} == {4, 8, 12}
    assert len({tuple(map(repr, point.values())) for point in points}) == len(points)
    for path, one in space.items():
        assert all(one.contains(point[path]) for point in points), path


def test_a_queued_value_outside_its_range_is_refused():
    """As an older version queued it; Optuna would take it with a warning."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial({"steps": 16})
    with (
        pytest.warns(UserWarning, match="out of range"),
        pytest.raises(StudyError, match=r"queued with steps=16, which lies outside 4…15 in steps"),
    ):
        draw(study.ask(), "steps", SPACE["steps"])


@st.composite
def ranges(draw):
    kind = draw(st.sampled_from(["whole", "number"]))
    if kind == "whole":
        low = draw(st.integers(1, 50))
        plain = {"low": low, "high": low + draw(st.integers(0, 60))}
        steps = st.integers(1, 70)
    else:
        low = draw(st.integers(1, 50)) / 20
        plain = {"low": low, "high": low + draw(st.integers(1, 60)) / 16}
        steps = st.integers(1, 70).map(lambda n: n / 20)
    scale = draw(st.sampled_from(["linear", "log", "step"]))
    more = {"linear": {}, "log": {"log": True}, "step": {"step": draw(steps)}}[scale]
    return build(Range, {**plain, **more})


@given(ranges(), st.integers(1, 9), st.integers(0, 99))
@settings(deadline=None, max_examples=150)
def test_what_is_drawn_and_what_is_listed_is_one_range(one, n, seed):
    """Optuna gets the very ends, so that it has none to mend, and takes each value of a grid."""
    bounds = distribution(one)
    assert (bounds.low, bounds.high) == (one.low, pytest.approx(one.last))
    values = one.spread(n)
    assert 1 <= len(values) <= n
    assert len(set(values)) == len(values)
    for value in (*values, one.low, one.last):
        assert one.contains(value)
        assert bounds._contains(bounds.to_internal_repr(value))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    assert one.contains(draw(study.ask(), "x", one))
