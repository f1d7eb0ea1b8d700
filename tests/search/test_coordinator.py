"""Whole searches in real processes: to the budget, interrupted, killed, continued."""

import json
import os
import shutil
import signal
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from emotion_hpo.corpus import Twin
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.search.observers import silent_display
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.stop import Stop
from emotion_hpo.search.worker_pool import WorkerPool
from emotion_hpo.study import TrialState, study_file
from tests.pipeline import search
from tests.search.processes import Command, is_worker, processes_of


def states(home, config):
    return [one.state for one in Study(home, config).trials()]


def test_two_workers_meet_the_budget_and_a_second_run_adds_nothing(make_study, capfd):
    home, config = make_study("study", "study.n_trials=4", "launcher.n_workers=2")
    result = search(config)
    assert result.summary.n_finished == 4
    assert not result.was_stopped
    assert json.loads(home.summary.read_text())["best_trial"] == result.summary.best_trial
    again = search(config)
    assert again.summary == result.summary
    assert json.loads(home.baseline.read_text()) == result.summary.baseline.to_json()
    workers = {one.worker for one in Study(home, config).trials()}
    assert workers <= {"worker_0", "worker_1"}
    assert "[4/4]" in capfd.readouterr().err


def test_a_changed_study_is_refused_with_its_differences(make_study):
    _, config = make_study("study", "study.n_trials=1", "launcher.n_workers=1")
    search(config)
    _, other = make_study("study", "study.n_trials=1", "model.dropout=0.3")
    with pytest.raises(StudyError, match=r"model.dropout: 0.1 → 0.3"):
        search(other)


def test_impossible_spaces_are_refused_before_anything_is_written(make_study):
    home, config = make_study("study", "+space.model.depth={low: 1, high: 2}")
    with pytest.raises(ConfigError, match=r"space.model.depth: unknown path"):
        search(config)
    assert not home.path.exists()


def test_a_grid_without_end_is_refused_before_anything_is_made(make_study):
    many = ("sampler=grid", "sampler.points=1000", "+space.training.batch_size={low: 8, high: 99}")
    home, config = make_study("study", *many)
    with pytest.raises(ConfigError, match=r"sampler: a grid of sampler.points=1000 has 92,000,000"):
        search(config)
    assert not home.path.exists()


def test_one_search_a_study_at_a_time(make_study):
    home, config = make_study("study", "study.n_trials=1")
    home.path.mkdir()
    from filelock import FileLock

    with (
        FileLock(home.coordinator),
        pytest.raises(StudyError, match="is being searched by another process"),
    ):
        search(config)


def test_a_model_that_the_corpus_cannot_feed_is_refused(make_study, monkeypatch):
    home, config = make_study("study", "study.n_trials=1")
    monkeypatch.setattr(Twin, "modalities", ("speech", "text"))
    with pytest.raises(
        ConfigError, match="has speech, text, functionals, but the model reads mocap"
    ):
        search(config)
    assert not home.path.exists(), "it is refused before anything is made"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.device=cuda", "no CUDA device is there"),
        ("split.test_session='9'", "split.test_session: no session '9'"),
        ("model.encoders.speech.columns=[0,99]", "columns"),
        ("model.encoders.speech.weights=/nowhere.pt", "/nowhere.pt"),
    ],
    ids=["no device", "no session", "columns that are not there", "no weights"],
)
def test_what_no_trial_could_train_costs_no_trial(make_study, override, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    home, config = make_study("study", "study.n_trials=4", f"++{override}")
    with pytest.raises(ConfigError, match=message):
        search(config)
    assert not home.database.exists()


@pytest.mark.parametrize(
    ("gone", "kept"), [("study.yaml", "study.db"), ("study.yaml", "trials"), ("study.db", "trials")]
)
def test_half_a_study_is_taken_for_no_other(make_study, gone, kept):
    home, config = make_study("study")
    for name in ("study.yaml", "study.db"):
        if name != gone:
            home.path.mkdir(exist_ok=True)
            (home.path / name).touch()
    if kept == "trials":
        home.trial(0).path.mkdir(parents=True)
    with pytest.raises(StudyError, match=rf"{gone} is missing, but the study's trials are there"):
        search(config)


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.05)


def curves(home):
    return list(home.path.glob("trials/*/curve.json"))


N_EPOCHS = 20
LONG = (
    "study.n_trials=2",
    "launcher.n_workers=2",
    "pruner=none",
    f"training.epochs={N_EPOCHS}",
)


@pytest.fixture
def long_study(make_study, small_baseline):
    """A study that has its baseline, which a process of its own would take seconds to choose."""
    home, config = make_study("study", *LONG)
    home.path.mkdir()
    for path in small_baseline:
        shutil.copy(path, home.path)
    return home, config


def test_ctrl_c_saves_and_says_how_to_go_on_and_the_next_run_continues(long_study):
    home, config = long_study
    command = Command(home, *LONG)
    until(lambda: len(curves(home)) == 2)
    command.process.send_signal(signal.SIGINT)
    status, out, err = command.wait()
    assert status == 0
    assert "Stopping after the running epochs" in err
    assert "the same command goes on where this one ended" in out
    assert "Traceback" not in err
    assert states(home, config).count(TrialState.INTERRUPTED) == 2
    assert TrialState.RUNNING not in states(home, config)
    epochs_before = {path.parent.name: path.read_text() for path in curves(home)}

    status, out, _ = Command(home, *LONG).wait()
    assert status == 0
    trials = Study(home, config).trials()
    assert sum(one.state.is_finished for one in trials) == 2
    for one in trials:
        if one.continues is not None:
            old = json.loads(epochs_before[f"trial_{one.continues}"])["epochs"]
            assert [epoch.to_json() for epoch in one.curve[: len(old)]] == old


def test_ctrl_c_twice_stops_at_once_and_loses_no_trial(long_study):
    home, config = long_study
    command = Command(home, *LONG)
    until(lambda: len(curves(home)) == 2)
    command.process.send_signal(signal.SIGINT)
    command.process.send_signal(signal.SIGINT)
    status, out, err = command.wait()
    assert status == 0
    assert "the same command goes on where this one ended" in out
    assert "Traceback" not in err
    assert TrialState.RUNNING not in states(home, config)
    assert states(home, config).count(TrialState.WAITING) == 2


def test_a_killed_search_leaves_no_process_and_loses_no_epoch(long_study):
    home, config = long_study
    command = Command(home, *LONG)
    until(lambda: len(curves(home)) == 2)
    workers = processes_of(home)
    assert len(workers) == 3, "two, and what forks them"
    os.kill(command.process.pid, signal.SIGKILL)
    command.wait()
    until(lambda: not any(one.is_running() for one in workers), seconds=10)
    assert states(home, config).count(TrialState.RUNNING) == 2

    status, _, err = Command(home, *LONG).wait()
    assert status == 0, err
    trials = Study(home, config).trials()
    assert sum(one.state.is_finished for one in trials) == 2
    assert TrialState.RUNNING not in {one.state for one in trials}
    for one in trials:
        if one.state.is_finished:
            assert [epoch.epoch for epoch in one.curve] == list(range(1, N_EPOCHS + 1))


@pytest.mark.parametrize("is_server", [False, True], ids=["worker", "what forks workers"])
def test_a_killed_worker_is_replaced(long_study, is_server):
    home, config = long_study
    command = Command(home, *LONG)
    until(lambda: len(curves(home)) == 2)
    victim = next(one for one in processes_of(home) if is_server is not is_worker(one, home))
    victim.kill()
    status, _, err = command.wait()
    assert status == 0, err
    assert "started again" in err
    assert sum(one.is_finished for one in states(home, config)) == 2


def test_a_search_whose_trials_all_fail_stops(make_study):
    home, config = make_study(
        "study",
        "study.n_trials=20",
        "launcher.n_workers=1",
        "++training.optimizer={name: sgd, momentum: 0.99, weight_decay: 9e9}",
        "training.learning_rate=10",
        "++space={training.learning_rate: {low: 9, high: 10}}",
    )
    with pytest.raises(StudyError, match=r"the first \d+ trials failed, the last with: train/loss"):
        search(config)
    assert len([one for one in states(home, config) if one.is_finished]) < 20


def program(path, text):
    """A program that starts in the place of Python, with a worker's arguments."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


CRASHING = """
import os, signal
from emotion_hpo.search import worker

true_run = worker.Worker._run


def run(self, claim):
    if claim.config == self._config.experiment():
        os.kill(os.getpid(), signal.SIGSEGV)
    true_run(self, claim)


worker.Worker._run = run
worker.main()
"""


def test_a_trial_that_workers_die_of_is_tried_alone_at_last(
    make_study, tmp_path, monkeypatch, capfd
):
    home, config = make_study("study", "study.n_trials=3", "launcher.n_workers=2", "pruner=none")
    (tmp_path / "crashing.py").write_text(CRASHING)
    start = f'exec "{sys.executable}" "{tmp_path / "crashing.py"}" "$4" "$5"'
    monkeypatch.setattr(sys, "executable", program(tmp_path / "python", start))
    summary = search(config).summary
    assert (summary.n_complete, summary.n_failed, summary.n_interrupted) == (2, 1, 3)
    trials = Study(home, config).trials()
    (failed,) = (trial for trial in trials if trial.state is TrialState.FAILED)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    assert failed.reason.endswith("at last with none beside: 4 x SIGSEGV")
    assert failed.started_at > max(trial.finished_at for trial in complete)
    lines = capfd.readouterr().err
    assert "worker_0 died (SIGSEGV, see " in lines
    assert "it is tried once more at the end, with no other worker beside it" in lines


def test_a_worker_without_a_place_keeps_no_trial_from_its_last_try(make_study, monkeypatch):
    home, config = make_study("study", "study.n_trials=1", "launcher.n_workers=2")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    for _ in range(3):
        study.claim("worker_0").lock.release()
        study.requeue_trials_of("worker_0", evidence="SIGSEGV")
    pool = WorkerPool(config, home, study, silent_display(), Stop(), 2)
    started = []
    waiting = SimpleNamespace(running=("worker_1",), start=started.append)
    pool._fill(waiting, ["worker_0", "worker_1"], study.trials())
    assert study.n_set_aside() == 1, "that worker may be about to end"
    monkeypatch.setattr("emotion_hpo.search.worker_pool._EMPTY_S", 0.0)
    pool._fill(waiting, ["worker_0", "worker_1"], study.trials())
    assert (study.n_set_aside(), started) == (0, []), "it is left to that worker, not to a second"


def test_a_search_whose_workers_are_killed_again_and_again_stops_and_goes_on(
    make_study, tmp_path, monkeypatch
):
    home, config = make_study("study", "study.n_trials=1", "launcher.n_workers=1", "pruner=none")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", program(tmp_path / "python", "kill -KILL $$"))
        with pytest.raises(StudyError, match=r"10 workers in a row were ended from outside .* on$"):
            search(config)
    assert states(home, config) == [TrialState.WAITING]
    assert search(config).summary.n_complete == 1


def test_a_worker_that_cannot_live_is_given_up(make_study, monkeypatch):
    home, config = make_study("study", "study.n_trials=1", "launcher.n_workers=1")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(
        StudyError, match=r"died 4 times without training .*worker_0 last .* see .*worker_0.log"
    ):
        search(config)
    assert study_file.exists(home)
