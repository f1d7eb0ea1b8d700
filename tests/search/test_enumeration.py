"""Spaces of few points: each point is tried once, and then the search says that it is over."""

import pytest

from emotion_hpo.config import Range
from emotion_hpo.search.budget import is_spent, n_open
from emotion_hpo.search.enumeration import _points, exhaustible_points, is_exhaustible
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import Trial, TrialState
from tests.pipeline import SMALL, compose_config

ADAM = Range(choices=("adam", "sgd"))
DEPTH = Range(low=1, high=3)


@pytest.mark.parametrize(
    ("space", "most", "n_points", "why"),
    [
        ({"a": ADAM, "b": DEPTH}, 6, 6, "every combination"),
        ({"a": ADAM, "b": DEPTH}, 5, None, "more than trials"),
        ({"a": Range(low=0.0, high=0.5)}, 99, None, "numbers without end"),
        ({"a": Range(low=0.0, high=0.5, step=0.1)}, 99, 6, "steps, both ends among them"),
        ({"a": Range(low=1, high=9, log=True)}, 99, 9, "whole numbers"),
        ({"a": Range(low=1, high=10**15)}, 99, None, "not listed to be counted"),
        ({"a": ADAM, "b": Range(low=1, high=3, when={"a": "adam"})}, 99, 4, "3 of adam, 1 of sgd"),
        ({"a": ADAM, "b": Range(low=0.0, high=1.0, when={"a": "x"})}, 99, 2, "never drawn"),
    ],
)
def test_points(space, most, n_points, why):
    points = _points(space, {}, most)
    assert (None if points is None else len(points)) == n_points, why
    if points is not None:
        assert len({frozenset(point.items()) for point in points}) == n_points


#: Of the preset's two ranges the learning rate has one value left.
FIXED = "++space={training.learning_rate: {low: 0.003, high: 0.003}}"
SPACE = (FIXED, "++space={model.dropout: {low: 0.0, high: 0.2, step: 0.1}}", "model.dropout=0.1")


def test_every_point_is_tried_once_and_no_more(make_study):
    home, config = make_study("study", "study.n_trials=9", *SPACE)
    home.path.mkdir()
    assert is_exhaustible(config)
    assert sorted(point["model.dropout"] for point in exhaustible_points(config)) == [0, 0.1, 0.2]
    study = Study(home, config)
    study.open_slots()
    study.open_slots()
    assert not is_spent(config, study.trials())
    dropouts = []
    while (claim := study.claim("worker_0")) is not None:
        dropouts.append(claim.config.model.dropout)
        study.end(claim, TrialState.COMPLETE, 0.5, 1)
    assert dropouts[0] == 0.1, "the default comes first"
    assert sorted(dropouts) == [0.0, 0.1, 0.2]
    assert is_spent(config, study.trials())


def test_a_larger_budget_tries_what_is_left(make_study):
    home, config = make_study("study", "study.n_trials=2", *SPACE)
    home.path.mkdir()
    assert not is_exhaustible(config)
    study = Study(home, config)
    study.open_slots()
    while (claim := study.claim("worker_0")) is not None:
        study.end(claim, TrialState.COMPLETE, 0.5, 1)
    before = {trial.params["model.dropout"] for trial in study.trials()}
    _, larger = make_study("study", "study.n_trials=9", *SPACE)
    study = Study(home, larger)
    study.open_slots()
    left = []
    while (claim := study.claim("worker_0")) is not None:
        left.append(claim.config.model.dropout)
        study.end(claim, TrialState.COMPLETE, 0.5, 1)
    assert sorted(left) == sorted({0.0, 0.1, 0.2} - before)


def test_a_grid_ends_with_its_last_point(make_study):
    grid = ("sampler=grid", "sampler.points=2", FIXED)
    home, config = make_study("study", "study.n_trials=9", *grid, "model.dropout=0.4")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    dropouts = []
    while (claim := study.claim("worker_0")) is not None:
        dropouts.append(claim.config.model.dropout)
        study.end(claim, TrialState.COMPLETE, 0.5, 1)
    assert sorted(dropouts) == [0.0, 0.4], "the default lies on the grid and is tried once"


def test_a_lowered_budget_leaves_nothing_open():
    config = compose_config(*SMALL, "study.n_trials=1")
    done = [Trial(number, TrialState.COMPLETE) for number in range(3)]
    assert is_spent(config, done)
    assert n_open(config, done) == -2
