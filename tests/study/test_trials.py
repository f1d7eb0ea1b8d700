"""Trials in a study's folder, and which of them a user means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.config import dump
from emotion_hpo.errors import StudyError
from emotion_hpo.study import Epoch, StudyHome, Trial, TrialState, write_yaml
from emotion_hpo.study.curves import write_curve
from emotion_hpo.study.records.trial import TrialRecord
from emotion_hpo.study.trials import (
    best_of,
    find,
    find_default,
    rank_trials,
    read_trials,
    write_trial,
)
from tests.pipeline import SMALL, compose_config

COMPLETE, PRUNED, FAILED = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED

TRIALS = [
    Trial(0, COMPLETE, value=0.5, best_epoch=2),
    Trial(2, COMPLETE, value=0.7, best_epoch=3),
    Trial(3, COMPLETE, value=0.7, best_epoch=1),
    Trial(7, PRUNED, value=0.9, best_epoch=1),
    Trial(11, FAILED, reason="a loss of nan"),
]


def test_best_is_the_highest_complete_and_the_first_of_equals():
    assert best_of(TRIALS) is TRIALS[1]
    assert best_of([]) is None
    assert best_of(TRIALS[3:]) is None


@given(st.permutations(TRIALS))
def test_best_does_not_depend_on_the_order(trials):
    assert best_of(trials) is TRIALS[1]


@pytest.mark.parametrize("values", [(-0.5, -0.2), (0.0, 0.0), (-1.0, 0.0)])
def test_best_of_any_sign(values):
    trials = [Trial(n, COMPLETE, value=value) for n, value in enumerate(values)]
    best = best_of(trials)
    assert best is not None
    assert best.value == max(values)


def test_the_ranking_has_the_complete_trials_best_first():
    assert [trial.number for trial in rank_trials(TRIALS, "val/accuracy")] == [2, 3, 0]
    assert [trial.number for trial in rank_trials(TRIALS, "val/loss")] == [0, 2, 3]


def test_the_default_is_the_first_trial_of_the_studys_own_configuration(tmp_path):
    home, config = StudyHome(tmp_path, "study"), compose_config(*SMALL).experiment()
    other = compose_config(*SMALL, "model.dropout=0.35").experiment()
    trials = [Trial(number, COMPLETE) for number in range(3)]
    for trial, trained in zip(trials, (other, config, config), strict=True):
        home.trial(trial.number).path.mkdir(parents=True)
        write_yaml(home.trial(trial.number).config, dump(trained))
    assert find_default(home, config, trials) is trials[1]
    assert find_default(home, config, trials[:1]) is None


FOUND = [
    (None, 2),
    ("", 2),
    ("trial_0", 0),
    ("0", 0),
    (0, 0),
    ("trial_3", 3),
    (7, 7),
]


@pytest.mark.parametrize(("wanted", "number"), FOUND)
def test_find(wanted, number):
    assert find(TRIALS, wanted).number == number


LOST = [
    # trials, wanted, what is said, why it cannot be
    ([], None, "no complete trial yet; run `make search` first", "nothing is there"),
    (TRIALS[3:], None, "no complete trial yet", "pruned and failed ones are no best"),
    ([], "trial_1", "no finished trial yet; run `make search` first", "nothing is there"),
    (TRIALS[4:], "trial_11", "no finished trial yet", "no trial has a score"),
    (TRIALS, "trial_1", r"unknown trial 'trial_1', did you mean 'trial_\d'\?", "not there"),
    (TRIALS, "trail_2", "unknown trial 'trail_2', did you mean 'trial_2'", "a slip"),
    (TRIALS, "best", r"unknown trial 'best' \(valid: trial_0, trial_2", "no number"),
    (TRIALS, "-2", "unknown trial '-2'", "no number of a trial"),
    (TRIALS, "trial_003", "unknown trial 'trial_003', did you mean 'trial_3'", "no trial's name"),
    (TRIALS, "²", "unknown trial '²'", "a digit, but no number"),
    (TRIALS, 99, "unknown trial '99'", "not there"),
    (TRIALS, 11, "trial_11 is failed and has no score; trials with one: trial_0, ", "failed"),
]


@pytest.mark.parametrize(("trials", "wanted", "said", "why"), LOST)
def test_find_what_is_not_there(trials, wanted, said, why):
    with pytest.raises(StudyError, match=said):
        find(trials, wanted)


def test_trials_round_trip_by_number(tmp_path):
    home = StudyHome(tmp_path, "study")
    curve = (Epoch(1, {"val/accuracy": 0.5}, 2.0, 3.0),)
    params = {"model.dropout": 0.1, "model.fusion.name": "concat", "n": None, "b": True}
    trials = [
        Trial(2, PRUNED, params, 0.4, 1, curve, "worker_1", None, 0, 2**32 - 1, 2, 1.5, 2.5),
        Trial(10, COMPLETE, value=0.5, best_epoch=1),
        Trial(0, FAILED, reason="größe\n[bold]"),
    ]
    write_curve(home.trial(2), curve)
    for one in trials:
        write_trial(home, one)
    assert read_trials(home) == sorted(trials, key=lambda one: one.number)


def test_trials_without_a_record_have_not_ended(tmp_path):
    home = StudyHome(tmp_path, "study")
    assert read_trials(home) == []
    write_curve(home.trial(0), (Epoch(1, {}, 1.0, 1.0),))
    assert read_trials(home) == []


BROKEN = [
    ("{", "is not readable", "cut off"),
    ("[]", "was not written by this version", "not a mapping"),
    ("{}", "was not written by this version", "no number"),
    (
        json.dumps({"version": 1, "number": 0, "state": "done"}),
        "was not written by this version: state",
        "no such state",
    ),
    (
        json.dumps(TrialRecord.of(Trial(0, COMPLETE)).to_json() | {"score": 1}),
        "was not written by this version: score",
        "another version's field",
    ),
]


@pytest.mark.parametrize(("content", "said", "why"), BROKEN)
def test_broken_record_is_named(tmp_path, content, said, why):
    home = StudyHome(tmp_path, "study")
    write_trial(home, Trial(0, COMPLETE, value=0.5))
    home.trial(0).record.write_text(content)
    with pytest.raises(StudyError, match=rf"trial_0/trial\.json {said}"):
        read_trials(home)
