"""Jobs of one purpose, trained by a pool of workers: to the end, or as far as the user lets it.

In: the jobs that a command needs. Out: where each was trained. They are claimed, stored after every
epoch and continued as trials are, on whatever launcher the study has; the same command goes on.
"""

from collections.abc import Callable, Sequence

from emotion_hpo.config import SearchConfig, dump
from emotion_hpo.config.places import LocalLauncher, SqliteStorage
from emotion_hpo.errors import TrainingsFailed
from emotion_hpo.search.alone import alone_in
from emotion_hpo.search.observers import Display, silent_display
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.stop import BatchStopped, Stop, check_not_stopped, stop_signals
from emotion_hpo.search.worker_pool import WorkerPool
from emotion_hpo.study import StudyHome, TrialState, make_folder, write_yaml
from emotion_hpo.training.job import IsStored, Job, TrainedBatch

__all__ = ["BatchStopped", "train_batch"]

#: Makes what shows jobs while they are trained.
OpenBatchDisplay = Callable[[Sequence[Job]], Display]


def train_batch(
    home: StudyHome,
    config: SearchConfig,
    jobs: Sequence[Job],
    is_stored: IsStored,
    open_display: OpenBatchDisplay = silent_display,
) -> TrainedBatch:
    """Train what is open of the jobs of one purpose, which all stand in the study's storage.

    How many threads a worker has depends on the launcher alone, not on how many jobs are open: the
    bits of what is trained must not tell whether it was cut off.

    Args:
        home: Of the study.
        config: The study.
        jobs: All that is needed, each name once.
        is_stored: Whether what comes out of a job is there.
        open_display: Makes what shows them.

    Raises:
        BatchStopped: The user stopped it.
        TrainingsFailed: Jobs failed.
        StudyError: Another process trains them, or the workers cannot live.
    """
    if isinstance(config.launcher, LocalLauncher):  # a server is for several machines
        config = config.model_copy(update={"storage": SqliteStorage(name="sqlite")})
    batch = home.batch(jobs[0].purpose, config.storage.name)
    make_folder(batch.path)
    otherwise = f"another process trains what {batch.name} needs; wait for it, and run this again"
    with alone_in(batch, otherwise), stop_signals() as stop:
        write_yaml(batch.batch_config, dump(config))
        study = Study(batch, batch_config(config), gives_up=lambda: stop.at_once)
        study.requeue_orphans()
        study.open_jobs(jobs, is_stored)
        _work(batch, config, study, open_display(jobs), stop)
        trained = TrainedBatch(batch, study.trials_by_job())
        _check(trained, jobs)
        check_not_stopped()  # else what follows goes on, though all jobs have ended meanwhile
    return trained


def _work(
    batch: StudyHome, config: SearchConfig, study: Study, display: Display, stop: Stop
) -> None:
    """Keep workers at work until no job is open."""
    n_workers = config.launcher.n_workers
    WorkerPool(batch_config(config), batch, study, display, stop, n_workers).work()


def _check(trained: TrainedBatch, jobs: Sequence[Job]) -> None:
    """Say what has not ended.

    Raises:
        BatchStopped: The user stopped it.
        TrainingsFailed: Jobs failed.
    """
    names = {job.name for job in jobs}
    by_name = {name: trial for name, trial in trained.trials.items() if name in names}
    failed = [name for name, trial in by_name.items() if trial.state is TrialState.FAILED]
    if failed:
        reason = by_name[failed[0]].reason
        raise TrainingsFailed(
            f"{len(failed)} of {len(jobs)} trainings failed, {failed[0]} with: {reason}; see "
            f"{trained.home.path / 'workers'}. The same command tries them again"
        )
    if not all(trial.state.is_finished for trial in by_name.values()):
        raise BatchStopped  # else a pool ends with its last job
