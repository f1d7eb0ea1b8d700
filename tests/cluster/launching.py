"""Launchers of the tests' clusters, and what a study on them has come to."""

import psutil

from emotion_hpo.config.places import RayLauncher, SlurmLauncher
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import TrialState
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.launch import WorkerEnd
from tests.cluster.servers import until
from tests.pipeline import WORDS_ALONE
from tests.search.processes import Command, is_worker

N_EPOCHS = 200  # so that a trial outlives what the cluster needs to notice a loss
LONG = (
    "study.n_trials=2", "launcher.n_workers=2", "pruner=none", f"training.epochs={N_EPOCHS}",
    *WORDS_ALONE,
)  # fmt: skip


def ray_at(address):
    config = RayLauncher(name="ray", n_workers=2, address=address, cpus=1, gpus=0)
    return ("launcher=ray", f"launcher.address={address}"), config


def slurm_here():
    fields = {"partition": None, "cpus": 1, "gpus": 0, "memory_gb": None, "minutes": 60}
    return ("launcher=slurm",), SlurmLauncher(name="slurm", n_workers=2, options={}, **fields)


def workers_of(home) -> list[psutil.Process]:
    """Every worker of a study on this machine."""
    return [process for process in psutil.process_iter() if is_worker(process, home)]


def in_hands(study) -> list[str]:
    """Workers that hold a trial with at least one epoch."""
    running = [one for one in study.trials() if one.state is TrialState.RUNNING and one.curve]
    return [one.worker for one in running]


def ends_of(launcher) -> dict[str, WorkerEnd]:
    """The ends of workers, as soon as there is one."""
    ends: dict[str, WorkerEnd] = {}
    until(lambda: ends.update(launcher.ended()) or ends, 180, "the end of a worker")
    return ends


def finished_exactly(home, config):
    """The budget is met, and every cut trial goes on where it was cut."""
    trials = Study(home, config).trials()
    assert sum(one.state.is_finished for one in trials) == 2
    assert {one.state for one in trials} <= {TrialState.COMPLETE, TrialState.INTERRUPTED}
    for one in trials:
        if one.state is TrialState.COMPLETE:
            assert [epoch.epoch for epoch in one.curve] == list(range(1, N_EPOCHS + 1))
        if one.continues is not None:
            former = trials[one.continues].curve
            assert one.curve[: len(former)] == former
    return trials


def search_through_a_loss(make_study, overrides, lose):
    """Search while a place is lost in the middle of two trials; what was printed of it."""
    home, config = make_study("study", *overrides)
    command = Command(home, *overrides)
    until(lambda: len(list(home.path.glob("trials/*/curve.json"))) == 2, 120, "training")
    lose()
    status, _, err = command.wait()
    assert status == 0, err
    trials = finished_exactly(home, config)
    assert sum(one.state is TrialState.INTERRUPTED for one in trials) == 1
    assert not workers_of(home)
    return err


def end_to_end(make_study, overrides, lose=lambda: None):
    """Search, confirm and score by processes of their own; the workers of each step."""
    size = ("study.n_trials=2", "launcher.n_workers=2", "pruner=none", "sampler=random")
    confirm = ("study.confirm_leaders=1", "study.confirm_seeds=1", "study.final_seeds=[0,1]")
    n_epochs = 40
    training = (f"training.epochs={n_epochs}", "study.value=last", *WORDS_ALONE)
    overrides = (*overrides, *size, *confirm, *training)
    home, config = make_study("study", *overrides)
    status, _, err = Command(home, *overrides).wait()
    assert status == 0, err
    batch = home.batch("final", "postgresql")
    command = Command(home, *overrides, name="final")
    until(lambda: list(batch.path.glob("trials/*/curve.json")), 180, "training")
    lose()
    status, _, err = command.wait()
    assert status == 0, err
    assert len(home.ledger.read_text().splitlines()) == 3, "the session, its opening, its score"
    confirmed = read_trials(home.batch("confirmation", "postgresql"))
    trained = Study(batch, batch_config(config)).trials()
    assert sum(trial.state is TrialState.COMPLETE for trial in trained) >= 3
    ended = [trial for trial in trained if trial.state is TrialState.COMPLETE]
    assert all(len(trial.curve) in (1, n_epochs) for trial in ended), "the baseline has one epoch"
    assert not workers_of(batch)
    return {trial.worker.partition("@")[2] for trial in [*read_trials(home), *confirmed, *ended]}
