"""A protocol's jobs are on several splits in one batch, and none sees what its own split seals."""

import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

from emotion_hpo.config import ExperimentConfig, build, dump, with_value
from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.search import batch as module
from emotion_hpo.search.batch import BatchStopped, train_batch
from emotion_hpo.search.batch import _work as work_in_processes
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.splits.opening import open_development_and_holdout
from emotion_hpo.splits.parts import split as divide
from emotion_hpo.study import TrialHome
from emotion_hpo.training.data_modules import DataModules
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.job import Job, Purpose
from emotion_hpo.training.learner import fit_preprocessor
from emotion_hpo.training.network_learner import NetworkLearner
from tests.pipeline import stop_after_an_epoch
from tests.search.processes import is_worker

#: Jobs by what is special to them.
CHOSEN, FIXED, EVERY = "chosen", "fixed", "every"


def is_stored(_job, files):
    return files is not None and files.weights.exists()


def sealing(config, session):
    """The experiment with another session sealed."""
    plain = with_value(dump(config.experiment()), "split.test_session", session)
    return build(ExperimentConfig, plain)


def jobs_of(config):
    """Jobs that seal three different sessions, in one batch."""
    return [
        Job(Purpose.PROTOCOL, CHOSEN, sealing(config, "5"), seed=1),
        Job(Purpose.PROTOCOL, FIXED, sealing(config, "1"), seed=2, epochs=2),
        Job(Purpose.PROTOCOL, EVERY, sealing(config, "2"), seed=3, keeps_every_epoch=True),
    ]


@pytest.fixture
def seen(monkeypatch):
    """Sessions of all rows that a training was given: of both parts, with the turns beside."""
    sessions = []
    true_fit = NetworkLearner.fit

    def fit(learner, train, validation, *rest, **more):
        tables = [part.utterances.turns.table for part in (train, validation)]
        tables += [part.utterances.table for part in (train, validation)]
        sessions.append({session for table in tables for session in table["session"]})
        true_fit(learner, train, validation, *rest, **more)

    monkeypatch.setattr(NetworkLearner, "fit", fit)
    return sessions


def test_jobs_of_several_splits_go_on_and_see_nothing_that_is_sealed(make_study, monkeypatch, seen):
    cut, config = make_study("cut")
    whole, _ = make_study("whole")
    jobs, n_stops = jobs_of(config), 0
    with monkeypatch.context() as patched:
        stop_after_an_epoch(patched)
        while True:
            try:
                resumed = train_batch(cut, config, jobs, is_stored)
                break
            except BatchStopped:
                n_stops += 1
    assert n_stops == 2 + 1 + 2, "after each epoch that is not a job's last"
    assert {frozenset(sessions) for sessions in seen} == {
        frozenset("12345") - {sealed} for sealed in "512"
    }
    undisturbed = train_batch(whole, config, jobs, is_stored)
    for job in jobs:
        models = [
            SavedModel.load(trained.files(job.name).weights) for trained in (resumed, undisturbed)
        ]
        assert models[0].digest() == models[1].digest()
        assert len(models[0].networks) == (3 if job.name == EVERY else 1)
        assert len(resumed.trials[job.name].curve) == (job.epochs or 3)
        assert not resumed.files(job.name).networks.exists()
    assert resumed.trials[FIXED].best_epoch == 2


def test_the_stored_network_is_that_of_the_chosen_epoch_and_scores_what_is_sealed(make_study):
    home, config = make_study("study")
    jobs = [replace(job, keeps_every_epoch=True) for job in jobs_of(config)[:1]] + [
        replace(jobs_of(config)[0], name="best")
    ]
    trained = train_batch(home, config, jobs, is_stored)
    every, best = (SavedModel.load(trained.files(job.name).weights) for job in jobs)
    trial = trained.trials["best"]
    development = divide(prepare_features(config, home.features, quiet), config.split)[0]
    fold = DataModule(development).fold(config)
    answers = every.probabilities(fold.validation)
    accuracies = [(each.argmax(1) == fold.validation.utterances.labels).mean() for each in answers]
    assert accuracies == [epoch.metrics["val/accuracy"] for epoch in trial.curve]
    assert trial.best_epoch == int(np.argmax(accuracies)) + 1
    np.testing.assert_array_equal(
        best.probabilities(fold.validation)[0], answers[trial.best_epoch - 1]
    )
    with np.load(trained.files("best").probabilities) as stored:
        assert [*stored["utterance_id"]] == sorted(fold.validation.utterances.ids)
    _, _, holdout = open_development_and_holdout(config, home.features, quiet)
    sealed = best.preprocessor.transform(holdout.unseal())
    assert best.probabilities(sealed).shape == (1, len(sealed), 4)


def test_a_fold_that_the_split_has_not_is_named(make_study):
    home, config = make_study("study")
    job = replace(jobs_of(config)[0], fold=1)
    with pytest.raises(StudyError, match="chosen: the split has 1 fold and none of index 1"):
        train_batch(home, config, [job], is_stored)


def test_a_few_splits_are_held_and_the_latest_stay(make_study, data_module):
    home, config = make_study("study")
    modules = DataModules(config, home.features, data_module)
    first, second, third = (sealing(config, session).split for session in "512")
    assert modules.of_split(first) is data_module
    of_second = modules.of_split(second)
    assert modules.of_split(first) is data_module
    modules.of_split(third)
    assert modules.of_split(first) is data_module, "the one that was not needed for longest went"
    again = modules.of_split(second)
    assert again is not of_second
    assert fit_preprocessor(config, again.development.everything).readers


def test_a_killed_worker_of_a_folder_without_a_study_goes_on(make_study, monkeypatch):
    """In processes of its own, one of which is shot after its first epoch."""
    home, config = make_study("study", "launcher.n_workers=1")
    prepare_features(config, home.features, quiet)
    monkeypatch.setattr(module, "_work", work_in_processes)
    jobs = [replace(job, epochs=40) for job in jobs_of(config)[:2]]
    batch, is_over, killed = home.batch("protocol"), threading.Event(), []

    def shoot():
        while not is_over.wait(0.02) and len(killed) < 2:
            curves = batch.path.glob(f"trials/trial_{2 * len(killed)}/curve.json")
            if any(curves):
                workers = [each for each in psutil.process_iter() if is_worker(each, batch)]
                for worker in workers:
                    os.kill(worker.pid, signal.SIGKILL)
                killed.extend(workers[:1])
                time.sleep(0.2)

    shooter = threading.Thread(target=shoot)
    shooter.start()
    try:
        trained = train_batch(home, config, jobs, is_stored)
    finally:
        is_over.set()
        shooter.join()
    assert not home.study.exists()
    assert len(killed) >= 1
    assert [len(trained.trials[job.name].curve) for job in jobs] == [40, 40]
    assert any(trial.continues is not None for trial in trained.trials.values())


def test_the_model_of_a_life_that_could_not_end_goes_with_it(make_study, monkeypatch):
    home, config = make_study("study")
    job = jobs_of(config)[1]

    def run_full(*_arguments, **_more):
        raise StudyError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Study, "end", run_full)
        with pytest.raises(StudyError, match="disk is full"):
            train_batch(home, config, [job], is_stored)
    assert len([*home.path.rglob("weights.pt")]) == 1
    trained = train_batch(home, config, [job], is_stored)
    assert trained.trials[FIXED].continues is not None
    assert [*home.path.rglob("*.pt")] == [trained.files(FIXED).weights]


def test_a_network_that_no_life_has_fails_the_training_by_its_epoch(tmp_path):
    homes = [TrialHome(tmp_path / name) for name in ("trial_1", "trial_0")]
    homes[1].networks.mkdir(parents=True)
    torch.save({"w": torch.ones(1)}, homes[1].network(2))
    life = Life(None, None, homes[0], (homes[1],), None, None, None, None, lambda: False)
    assert life.read_network(2) == {"w": torch.ones(1)}
    with pytest.raises(TrialFailed, match=rf"^the network after epoch 3 is not in {homes[0].path}"):
        life.read_network(3)
