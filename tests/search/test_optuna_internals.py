"""What is overridden of Optuna's private names still does what it did; see `internals.py`."""

import optuna
import pytest

from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import TrialState


@pytest.fixture
def study(make_study):
    home, config = make_study("study", "study.n_trials=3")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    return study


def test_a_snapshot_holds_still_and_is_else_what_optuna_reads(study):
    connection, claim = study._connection, study.claim("worker_0")
    before = connection.study.get_trials()
    tables, trial_id = connection.storage.tables, connection.trial_id(claim.number)
    tables.set_trial_intermediate_value(trial_id, 1, 0.5)
    with connection.snapshot.still():
        assert connection.study.get_trials() == before
    fresh = optuna.load_study(study_name="study", storage=tables).get_trials()
    assert connection.study.get_trials() == fresh
    assert fresh[0].intermediate_values == {1: 0.5}


def test_a_claim_reads_the_trials_from_the_storage_once(study, monkeypatch):
    """Optuna would read them each time that its samplers and its queue ask for them."""
    study.claim("worker_0")
    tables, n_reads = study._connection.storage.tables, 0
    read = tables._get_trials

    def count_reads(*args, **kwargs):
        nonlocal n_reads
        n_reads += 1
        return read(*args, **kwargs)

    monkeypatch.setattr(tables, "_get_trials", count_reads)
    assert study.claim("worker_1").number == 1
    assert n_reads == 1


def test_optunas_queue_does_not_hand_out_what_is_set_aside(study):
    study.set_aside(study.claim("worker_0"), "out of memory")
    (waiting,) = [trial for trial in study.trials() if trial.state is TrialState.WAITING]
    assert study._connection.study.ask().number not in (0, waiting.number)
    assert study.n_set_aside() == 1


def test_a_trials_key_is_the_one_that_optuna_gave_it(study):
    claim = study.claim("worker_0")
    assert study._connection.trial_id(claim.number) == claim.trial._trial_id
