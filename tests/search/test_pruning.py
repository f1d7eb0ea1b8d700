"""What pruners see of a trial with one training, with seeds, with folds."""

import numpy as np
import pytest

from emotion_hpo.errors import ConfigError
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.pruning import check_pruner, steps
from emotion_hpo.study import Epoch, TrialState
from emotion_hpo.training.fold_run import Outcome
from emotion_hpo.training.trial_run import Outcomes, plan
from tests.pipeline import SMALL, compose_config, search

FOLDS = ("split=loso",)


def pruner(name, *overrides):
    return compose_config(*SMALL, f"pruner={name}", *overrides).pruner


def outcomes(n_folds, n_seeds, *values, is_running=False):
    """Trainings of one epoch that had these values."""
    none = np.zeros((0, 0), np.float32)
    each = tuple(
        Outcome((Epoch(1, {"val/accuracy": one}, 1.0, 0.0),), 1, one, none, none[None])
        for one in values
    )
    return Outcomes(plan(n_folds, n_seeds, 0), each, is_running=is_running)


STEPS = [
    # folds, seeds, values so far, pruner, steps, why
    (1, 1, (0.5,), "hyperband", {1: 0.5}, "one training: epochs"),
    (4, 1, (0.5, 0.7), "hyperband", {1: 0.5, 2: 0.6}, "the mean so far"),
    (1, 3, (0.5, 0.7), "median", {1: 0.5, 2: 0.6}, "seeds of one fold"),
    (4, 1, (0.5, 0.7), "wilcoxon", {0: 0.5, 1: 0.7}, "fold by fold"),
    (4, 2, (0.5, 0.7, 0.9), "wilcoxon", {0: 0.6}, "the second fold's second seed is missing"),
]


@pytest.mark.parametrize(("n_folds", "n_seeds", "values", "name", "expected", "why"), STEPS)
def test_steps(n_folds, n_seeds, values, name, expected, why):
    found = steps(outcomes(n_folds, n_seeds, *values), "val/accuracy", pruner(name))
    assert found == pytest.approx(expected), why


def test_a_running_training_is_no_step_of_several():
    running = outcomes(4, 1, 0.5, 0.7, is_running=True)
    assert steps(running, "val/accuracy", pruner("hyperband")) == {1: 0.5}
    alone = outcomes(1, 1, 0.5, is_running=True)
    assert steps(alone, "val/accuracy", pruner("hyperband")) == {1: 0.5}


def test_wilcoxon_ends_a_trial_whose_folds_are_all_worse(make_study):
    home, config = make_study("study", *FOLDS, "pruner=wilcoxon", "study.n_trials=2")
    home.path.mkdir()
    study = Study(home, config, n_trainings=8)
    study.open_slots()
    best = study.claim("worker_0")
    for fold in range(8):
        assert not study.report(best, fold, 0.7 + 0.01 * fold)
    study.end(best, TrialState.COMPLETE, 0.735, 1)
    poor = study.claim("worker_0")
    ends = [study.report(poor, fold, 0.5 + 0.02 * fold) for fold in range(5)]
    assert ends == [False, False, False, True, True], "1/16 < 0.1 from the fourth fold on"


REFUSED = [
    (1, ("pruner=wilcoxon",), "with 1 fold, wilcoxon's p is at least 1 before the last one"),
    (4, ("pruner=wilcoxon",), "with 4 folds, wilcoxon's p is at least 0.125 before the last"),
    (4, ("pruner=patient",), "patient waits for epochs"),
    (1, ("pruner=patient", "study.n_seeds=2"), "patient waits for epochs"),
]


@pytest.mark.parametrize(("n_folds", "overrides", "message"), REFUSED)
def test_a_pruner_that_cannot_judge_is_refused(n_folds, overrides, message):
    with pytest.raises(ConfigError, match=message):
        check_pruner(compose_config(*SMALL, *overrides), n_folds)


@pytest.mark.parametrize(
    ("n_folds", "overrides"),
    [(8, ("pruner=wilcoxon",)), (4, ("pruner=wilcoxon", "pruner.p_threshold=0.2"))],
)
def test_a_pruner_that_can_is_not(n_folds, overrides):
    check_pruner(compose_config(*SMALL, *overrides), n_folds)


def test_a_search_over_folds(make_study):
    over = ("split=session", "training.epochs=1", "study.n_trials=2")
    home, config = make_study("study", *over, "launcher.n_workers=1", "pruner=median")
    found = search(config).summary
    assert (found.n_folds, found.n_complete) == (4, 2)
    for trial in Study(home, config).trials():
        assert [one.fold for one in trial.trainings] == ["1", "2", "3", "4"]
        assert trial.value == pytest.approx(np.mean([one.value for one in trial.trainings]))
        assert [epoch.training for epoch in trial.curve] == [0, 1, 2, 3]
