"""Jobs wait once, go on where they were cut off, and are trained by one command at a time."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from filelock import FileLock

from emotion_hpo.errors import StudyError
from emotion_hpo.search import batch as module
from emotion_hpo.search.batch import BatchStopped, train_batch
from emotion_hpo.search.batch import _work as work_in_processes
from emotion_hpo.search.observers import silent_display
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.stop import Stop
from emotion_hpo.study import TrialState
from emotion_hpo.training.job import Job, Purpose


@pytest.fixture
def batch(make_study):
    """The home of an empty batch, its study, and a maker of jobs."""
    home, config = make_study("study")
    of_batch = home.batch("final")
    of_batch.path.mkdir(parents=True)
    job = Job(Purpose.FINAL, "a", config.experiment(), seed=3, epochs=2, lr_halvings=(0, 1))
    return of_batch, Study(of_batch, batch_config(config)), job


def never(_job, _files):
    return False


def test_a_job_is_read_back_as_it_was(batch):
    _, _, job = batch
    assert Job.from_plain(job.to_plain()) == job


def test_a_job_of_an_older_batch_is_on_the_first_fold_and_keeps_its_last_network(batch):
    _, _, job = batch
    plain = job.to_plain()
    del plain["fold"], plain["keeps_every_epoch"]
    assert Job.from_plain(plain) == job


def test_a_claim_has_its_jobs_configuration_and_seed(batch):
    home, study, job = batch
    deeper = job.config.model_copy(update={"training": job.config.training.model_copy(
        update={"epochs": 7})})  # fmt: skip
    study.open_jobs([replace(job, config=deeper)], never)
    claim = study.claim("worker_0")
    assert (claim.job.name, claim.config.training.epochs, claim.seed) == ("a", 7, 3)
    assert study.claim("worker_1") is None, "no sampler proposes another"
    claim.drop()
    assert home.owner.name == "study"
    assert home.purpose == Purpose.FINAL


def test_what_was_cut_off_goes_on_even_after_other_jobs(batch):
    _, study, job = batch
    other = replace(job, name="b")
    study.open_jobs([job], never)
    study.release(study.claim("worker_0"))
    study.open_jobs([other], never)
    assert waiting_in(study) == {"b": None}
    study.open_jobs([job, other], never)
    assert waiting_in(study) == {"a": 0, "b": None}
    assert study.claim("worker_0").job == other
    claim = study.claim("worker_0")
    assert (claim.job, claim.former_lives) == (job, (0,))


def test_what_is_stored_is_not_trained_and_what_failed_is(batch):
    _, study, job = batch
    jobs = [job, replace(job, name="b"), replace(job, name="c")]
    study.open_jobs(jobs, lambda job, _: job.name == "c")
    study.end(study.claim("worker_0"), TrialState.COMPLETE, 0.5, 2)
    study.end(study.claim("worker_0"), TrialState.FAILED, None, None, "no")
    assert study.claim("worker_0") is None
    study.open_jobs(jobs, lambda job, files: job.name == "c" or files is not None)
    assert study.claim("worker_0").job.name == "b"


def test_another_command_on_the_same_jobs_is_refused(make_study, batch):
    home, _, job = batch
    _, config = make_study("study")
    with (
        FileLock(home.coordinator),
        pytest.raises(StudyError, match="another process trains what"),
    ):
        train_batch(home.owner, config, [job], never)


def test_how_many_jobs_are_open_changes_no_workers_threads(make_study, batch, monkeypatch):
    """They are the launcher's cores by its workers: else the last job would have other bits."""
    home, study, job = batch
    _, config = make_study("study", "launcher.n_workers=4")
    study.open_jobs([job], never)
    pools = []

    def open_pool(_config, _home, _study, _display, _stop, n_workers):
        pools.append(n_workers)
        return SimpleNamespace(work=lambda: None)

    monkeypatch.setattr(module, "WorkerPool", open_pool)
    work_in_processes(home, config, study, silent_display(), Stop())
    assert pools == [4]


def test_a_batch_on_this_machine_needs_no_server(make_study, batch, monkeypatch):
    _, _, job = batch
    home, config = make_study("study", "storage=postgresql")
    used = []
    monkeypatch.setattr(module, "_work", lambda *arguments: used.append(arguments[:2]))
    with pytest.raises(BatchStopped):  # of a pool, none of whose jobs has ended
        train_batch(home, config, [job], never)
    ((of_batch, of_config),) = used
    assert of_batch.database.exists()
    assert of_config.storage.name == "sqlite"


def waiting_in(study):
    """Name of each job that waits → which life it continues."""
    trials = study.trials()
    return {trial.job: trial.continues for trial in trials if trial.state is TrialState.WAITING}
