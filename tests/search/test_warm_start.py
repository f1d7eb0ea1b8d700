"""What another study has learnt teaches a sampler, and shows nowhere else."""

from dataclasses import replace

import pytest

from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.pruning import check_pruner
from emotion_hpo.search.warm_start import describe_warm_start, read_prior_trials
from emotion_hpo.study import TrialState, study_file
from emotion_hpo.study.records.search_summary import WarmStart

WARM = ("warm_start=old", "sampler.n_startup_trials=4", "study.n_trials=6", "pruner=none")


@pytest.fixture
def old(make_study):
    """Six trials, the best at the highest dropout; one was pruned, one failed."""
    home, config = make_study("old", "study.n_trials=6", "sampler=random")
    home.path.mkdir()
    study_file.write_or_compare(home, config, {}, synthetic=True)
    study = Study(home, config)
    study.open_slots()
    for number in range(6):
        claim = study.claim("worker_0")
        state = (TrialState.PRUNED, TrialState.FAILED)[number] if number < 2 else None
        value = None if number == 1 else claim.config.model.dropout
        study.report(claim, 1, claim.config.model.dropout)
        study.end(claim, state or TrialState.COMPLETE, value, 1, None if value else "a loss of nan")
    return home


def started(make_study, *overrides):
    home, config = make_study("new", *WARM, *overrides)
    home.path.mkdir()
    prior_trials, notes = read_prior_trials(config)
    study = Study(home, config)
    study.open_slots(prior_trials)
    return study, notes


def test_scored_trials_are_taken_up(old, make_study):
    study, notes = started(make_study)
    assert notes == ["warm start: 5 of 5 scored trials of study 'old' taken up"]
    states = [one.state for one in study.trials()]
    assert states == [TrialState.WAITING], (
        "no prior_trial is a trial of this study; its default waits"
    )


def test_how_many_they_are_stands_in_the_summary(old, make_study):
    _, config = make_study("new", *WARM)
    prior_trials, _ = read_prior_trials(config)
    said = WarmStart(study="old", n_prior_trials=5)
    assert describe_warm_start(config, prior_trials) == said
    assert describe_warm_start(make_study("alone")[1], []) is None


def test_they_count_towards_no_budget(old, make_study):
    study, _ = started(make_study)
    n_claimed = 0
    while (claim := study.claim("worker_0")) is not None:
        n_claimed += 1
        study.end(claim, TrialState.COMPLETE, 0.5, 1)
    assert n_claimed == 6
    assert sum(one.state.is_finished for one in study.trials()) == 6


def test_they_teach_the_sampler(old, make_study):
    """The same points with their values turned round teach another prior_trial."""
    drawn = []
    for name, sign in (("new", 1), ("turned", -1)):
        home, config = make_study(name, *WARM)
        home.path.mkdir()
        prior_trials, _ = read_prior_trials(config)
        study = Study(home, config)
        study.open_slots([replace(one, value=sign * one.value) for one in prior_trials])
        first, *rest = (study.claim("worker_0").config.model.dropout for _ in range(4))
        assert first == config.model.dropout, (
            "the default configuration comes first, warm-started or not"
        )
        drawn.append(rest)
    assert min(drawn[0]) != min(drawn[1])
    assert sum(drawn[0]) > sum(drawn[1]), "high dropout was good, then bad"


def test_taking_up_twice_adds_nothing(old, make_study):
    study, _ = started(make_study)
    n_before = len(study._connection.trials())
    _, config = make_study("new", *WARM)
    study.open_slots(read_prior_trials(config)[0])
    assert len(study._connection.trials()) == n_before


def test_what_does_not_fit_is_said(old, make_study):
    study, notes = started(make_study, "++space={training.learning_rate: {low: 9, high: 10}}")
    assert "left out, as they do not fit this space: training.learning_rate (5 trials)" in notes[1]
    stored = [trial for trial in study._connection.trials() if "prior_trial" in trial.user_attrs]
    assert [set(trial.params) for trial in stored] == [{"model.dropout"}] * 5


def test_values_outside_the_range_are_left_out(old, make_study):
    _, config = make_study("new", *WARM, "++space={model.dropout: {low: 0.1, high: 0.2}}")
    prior_trials, notes = read_prior_trials(config)
    dropouts = [prior_trial.params.get("model.dropout") for prior_trial in prior_trials]
    assert None in dropouts, "or the test shows nothing"
    assert all(dropout is None or 0.1 <= dropout <= 0.2 for dropout in dropouts)
    assert any("model.dropout" in line for line in notes)


def test_another_split_is_said(old, make_study):
    _, config = make_study("new", *WARM, "split.n_validation=0.3")
    assert "has another corpus or split" in read_prior_trials(config)[1][-1]


REFUSED = [
    (("warm_start=nowhere",), "no study 'nowhere' in .*; studies here: old"),
    (("warm_start=old", "study.objective=val/uar"), "was judged by val/accuracy, this one is by"),
    (
        (
            "warm_start=old",
            "++space={training.learning_rate: {low: 9, high: 10}}",
            "++space={model.dropout: {low: 0.45, high: 0.5}}",
        ),
        "no finished trial of study 'old' has a parameter that fits",
    ),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED)
def test_what_teaches_nothing_is_refused(old, make_study, overrides, message):
    _, config = make_study("new", *overrides)
    with pytest.raises(StudyError, match=message):
        read_prior_trials(config)


def test_wilcoxon_takes_no_prior_trials(make_study):
    _, config = make_study("new", "warm_start=old", "pruner=wilcoxon")
    with pytest.raises(ConfigError, match="which a trial from warm_start does not bring"):
        check_pruner(config, 8)
