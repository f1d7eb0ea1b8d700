"""A process that trains leaders again: takes the next training that nobody holds, as long as any.

Started by `runtime.start` with the arguments `STUDY_FOLDER N_THREADS`; its standard input is a pipe
that closes when whoever started it is gone. It never sees the sealed session.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.selection.leaders import PlannedConfirmation, plan_confirmations
from emotion_hpo.study import ConfirmationHome, StudyHome, study_file, write_bytes
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.selection import Confirmation
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.fold_run import Checkpoint, DataModule, EpochSelector
from emotion_hpo.training.trial_run import Outcomes, plan, run_all
from emotion_hpo.training.worker_process import setup


def work(home: StudyHome, config: SearchConfig, data_module: DataModule) -> None:
    """Train what is open, one training after the other."""
    for confirmation in plan_confirmations(home, config, read_trials(home)):
        files = home.confirmation(confirmation.number, confirmation.index)
        files.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(files.lock, timeout=0):
                if not files.record.exists():
                    _train(home, config, data_module, confirmation, files)
        except Timeout:
            continue  # another process has it


def _train(
    home: StudyHome,
    config: SearchConfig,
    data_module: DataModule,
    confirmation: PlannedConfirmation,
    files: ConfirmationHome,
) -> None:
    experiment = study_file.trial_config(home, confirmation.number)
    planned = plan(len(data_module.development.folds), 1, confirmation.seed)

    def after_epoch(_so_far: Outcomes, make_checkpoint: Callable[[], Checkpoint]) -> bool:
        make_checkpoint().save(files.checkpoint)
        return False

    try:
        resume = Checkpoint.load(files.checkpoint)
    except StudyError:  # cut off while it was written: the training starts anew
        resume = None
    selector = EpochSelector(config.study.objective, config.study.value)
    try:
        outcomes = run_all(experiment, data_module, planned, selector, after_epoch, resume=resume)
    except TrialFailed as failure:
        write_record(files.record, Confirmation(value=None, reason=str(failure)))
    else:
        trainings = outcomes.trainings(data_module.development)
        assert outcomes.learner is not None, "a training has just ended"
        record = Confirmation(
            value=outcomes.value,
            best_epoch=outcomes.best_epoch,
            by_fold=tuple(training.value for training in trainings),
            best_epochs=tuple((training.fold, training.best_epoch) for training in trainings),
            n_parameters=outcomes.learner.n_parameters,
            seconds=sum(epoch.seconds for epoch in outcomes.curve),
            seed=confirmation.seed,
        )
        write_bytes(files.every_epoch, outcomes.every_epoch())  # before what says that it has ended
        write_record(files.record, record)
    files.checkpoint.unlink(missing_ok=True)


def main() -> None:
    """Run one process to its end."""
    folder, n_threads = Path(sys.argv[1]), int(sys.argv[2])
    home = StudyHome(folder.parent, folder.name)
    work(home, *setup(home, n_threads))
