"""Budgets in epochs and hours, and failures that stop a search."""

import dataclasses
import json

import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.search.budget import (
    FAIL_FAST,
    explain_end,
    explain_failures,
    format_budget,
    is_spent,
    is_used_up,
    trained_epochs,
)
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.worker import Worker
from emotion_hpo.study import Epoch, Trial, TrialState
from emotion_hpo.study.curves import write_curve
from tests.pipeline import SMALL, compose_config, search

COMPLETE, RUNNING, WAITING = TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING
CUT = TrialState.INTERRUPTED


def study_of(*overrides):
    return compose_config(*SMALL, *overrides).study


def config_of(*overrides):
    return compose_config(*SMALL, *overrides)


def trial(number, state, n_epochs=0, continues=None):
    curve = tuple(Epoch(n, {}, 1800.0, 0.0) for n in range(1, n_epochs + 1))
    return Trial(number, state, curve=curve, continues=continues)


SPENT = [
    # trials, overrides, whether nothing is left, why
    ([trial(0, COMPLETE, 3)], ("study.n_trials=1",), True, "as many trials"),
    ([trial(0, COMPLETE, 3), trial(1, WAITING)], ("study.n_trials=2",), False, "one to go"),
    ([trial(0, COMPLETE, 3), trial(1, WAITING)], ("study.max_epochs=3",), True, "epochs reached"),
    ([trial(0, COMPLETE, 3), trial(1, WAITING)], ("study.max_epochs=4",), False, "one epoch left"),
    ([trial(0, COMPLETE, 3), trial(1, RUNNING)], ("study.max_epochs=3",), False, "one still runs"),
    (
        [trial(0, COMPLETE, 3), trial(1, CUT, 1), trial(2, WAITING, 0, 1)],
        ("study.max_epochs=3",),
        False,
        "one that was cut off is paid for",
    ),
    ([trial(0, COMPLETE, 3), trial(1, WAITING)], ("study.max_hours=1.5",), True, "3 × 0.5 h"),
    ([trial(0, COMPLETE, 3), trial(1, WAITING)], ("study.max_hours=1.6",), False, "less"),
]


@pytest.mark.parametrize(("trials", "overrides", "expected", "why"), SPENT)
def test_is_spent(trials, overrides, expected, why):
    assert is_spent(config_of(*overrides), trials) is expected, why


def test_an_epoch_counts_once():
    lives = [trial(0, CUT, 2), trial(1, CUT, 3, 0), trial(2, WAITING, 0, 1), trial(3, COMPLETE, 1)]
    assert len(trained_epochs(lives)) == 4
    assert is_used_up(study_of("study.max_epochs=4"), lives)


@pytest.mark.parametrize(
    ("n_trials", "is_exhausted", "message"),
    [
        (1, False, "Budget exhausted: 3 trials are finished, more than study.n_trials=1. Raise it"),
        (9, True, "Space exhausted: all its points are tried, in 3 trials. Search a wider space"),
        (9, False, "Budget exhausted: 9 trials or 40 epochs. Raise study.max_epochs to continue."),
    ],
)
def test_the_end_in_words(n_trials, is_exhausted, message):
    study = study_of(f"study.n_trials={n_trials}", "study.max_epochs=40")
    assert explain_end(study, 3, is_exhausted=is_exhausted).startswith(message)


def test_budgets_in_words():
    assert format_budget(
        study_of("study.n_trials=5", "study.max_epochs=40", "study.max_hours=0.5")
    ) == ("5 trials or 40 epochs or 0.5 hours of training")


def test_no_trial_begins_after_the_last_epoch_paid_for(make_study, data_module):
    size = ("study.n_trials=9", "study.max_epochs=7", "pruner=none")
    home, config = make_study("study", *size)
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    Worker(home, config, data_module, "worker_0").work()
    assert [one.state for one in study.trials()] == [COMPLETE] * 3, "7 epochs are in the third"
    study.open_slots()
    assert len(study.trials()) == 3
    _, more = make_study("study", *size, "study.max_epochs=10")
    Study(home, more).open_slots()
    Worker(home, more, data_module, "worker_0").work()
    finished = [one for one in Study(home, more).trials() if one.state is COMPLETE]
    assert sum(len(one.curve) for one in finished) == 12, "10 epochs are in the fourth"


def test_what_was_cut_off_is_trained_to_its_end(make_study, data_module):
    home, config = make_study("study", "study.n_trials=9", "study.max_epochs=1", "pruner=none")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    claim = study.claim("worker_1")
    write_curve(home.trial(0), (Epoch(1, {"val/accuracy": 0.5}, 1.0, 0.0),))
    study.release(claim)
    Worker(home, config, data_module, "worker_0").work()
    states = [one.state for one in study.trials()]
    assert states.count(COMPLETE) == 1
    assert study.trials()[-1].continues == 0
    assert is_spent(config, study.trials())


FAILING = (
    "++training.optimizer={name: sgd, momentum: 0.99, weight_decay: 9e9}",
    "training.learning_rate=10",
    "++space={training.learning_rate: {low: 9, high: 10}}",
)


def test_a_worker_whose_first_trials_fail_ends(make_study, data_module):
    home, config = make_study("study", "study.n_trials=20", *FAILING)
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    Worker(home, config, data_module, "worker_0").work()
    failed = [one for one in study.trials() if one.state is TrialState.FAILED]
    assert len(failed) == FAIL_FAST


BAD = [
    dataclasses.replace(trial(number, TrialState.FAILED), reason="train/loss is nan")
    for number in range(1, 4)
]
JOBS = [dataclasses.replace(bad, job=f"job_{bad.number}") for bad in BAD]
GOOD = trial(0, COMPLETE, 1)
NAN = "the last with: train/loss is nan"

FAILURES = [
    # trials, numbers of those that ended before, how many may fail, what is said
    ([GOOD, *BAD[:1]], (), 2, None),
    ([GOOD, *BAD[:2]], (), 2, f"2 of 3 trials failed (study.max_failures=2), {NAN}"),
    ([GOOD, *BAD[:2]], (1,), 2, None),
    ([GOOD, *BAD], (), None, None),
    (BAD[:2], (), None, None),
    (BAD, (), None, f"the first 3 trials failed, {NAN}"),
    ([GOOD, *BAD], (0,), None, f"the first 3 trials failed, {NAN}"),
    (JOBS, (), None, f"the first 3 trainings failed, {NAN}"),
]


@pytest.mark.parametrize(("trials", "before", "most", "said"), FAILURES)
def test_too_many_failures(trials, before, most, said):
    study = study_of(f"study.max_failures={'null' if most is None else most}")
    assert explain_failures(study, trials, before) == said


def test_a_search_stops_at_its_failures_and_keeps_the_rest(make_study):
    size = ("study.n_trials=9", "study.max_failures=1", "launcher.n_workers=1")
    home, config = make_study("study", *size, *FAILING)
    with pytest.raises(StudyError, match=r"study\.max_failures=1|the first 3 trials failed"):
        search(config)
    stored = json.loads(home.summary.read_text())
    assert 1 <= stored["n_failed"] == stored["n_finished"] <= FAIL_FAST
