"""A trial trained again gives the same bits, and a difference is seen."""

import json

import pytest

from emotion_hpo.cli.replay import _replay_trial
from emotion_hpo.errors import StudyError
from emotion_hpo.features.preparation import quiet
from emotion_hpo.final.replay_trial import replay
from emotion_hpo.study import StudyHome
from emotion_hpo.study.trials import read_trials
from tests.pipeline import search


def silent(*_epochs):
    """Show nothing."""


@pytest.mark.parametrize("wanted", ["trial_0", "1", None])
def test_a_trial_replays_to_the_same_bits(searched, wanted):
    found = replay(searched, wanted, quiet, silent)
    assert found.first_difference is None
    assert len(found.curve) == len(found.trial.curve) == 3


def test_a_difference_is_seen(searched):
    path = searched.trial(0).curve
    curve = json.loads(path.read_text())
    curve["epochs"][1]["metrics"]["val/loss"] += 1e-12
    path.write_text(json.dumps(curve))
    assert replay(searched, 0, quiet, silent).first_difference == 2


def test_a_trial_without_a_seed_cannot_be_replayed(searched):
    record = searched.trial(0).record
    record.write_text(json.dumps({**json.loads(record.read_text()), "seed": None}))
    with pytest.raises(StudyError, match="lacks what a replay needs"):
        replay(searched, 0, quiet, silent)


def test_trials_of_two_workers_replay_to_the_same_bits(make_study):
    home, config = make_study("study", "study.n_trials=4", "launcher.n_workers=2")
    search(config)
    trials = read_trials(home)
    assert len(trials) == 4
    for one in trials:
        assert replay(home, one.number, quiet, silent).first_difference is None, one.name


def test_a_trial_over_folds_and_seeds_replays_to_the_same_bits(make_study):
    over = ("split=session", "study.n_seeds=2", "training.epochs=2")
    home, config = make_study("study", *over, "study.n_trials=1", "pruner=none")
    search(config)
    found = replay(home, 0, quiet, silent)
    assert found.first_difference is None
    assert len(found.curve) == 4 * 2 * 2


@pytest.mark.parametrize("name", ["baseline", "ensemble"])
def test_what_is_no_trial_is_replayed_by_another_line(tmp_path, name):
    home = StudyHome(tmp_path, "quick")
    line = rf'`make replay ARGS="study\.directory={tmp_path} final={name}"`'
    with pytest.raises(StudyError, match=f"{name} is no trial, .*{line} trains"):
        _replay_trial(home, name, "", "val/accuracy", None)
