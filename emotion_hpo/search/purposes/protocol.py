"""A fixed configuration on one fold of any split: the part that a protocol trains and chooses on.

Validation chooses the epoch, as in a trial that is never pruned, or the number of epochs is fixed.
What it comes to is a saved model beside its curve and its validation answers. What the split seals
is not known here: the command that asked for the job scores it once all of them are stored.
"""

from collections.abc import Callable

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.errors import TrialFailed
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.ending import Ending
from emotion_hpo.study import TrialState, write_bytes
from emotion_hpo.training.fold_run import Checkpoint, EpochSelector
from emotion_hpo.training.job import Job
from emotion_hpo.training.learner import n_epochs
from emotion_hpo.training.trial_run import Outcomes, Planned, run_all


def train_protocol(life: Life) -> Ending | None:
    """Train a job to its end; None if it was stopped before.

    Raises:
        TrialFailed: The training diverged, or the split has no such fold.
    """
    job, study = life.claim.job, life.config.study
    assert job is not None, "it is of a batch"
    folds = life.data_module.development.folds
    if job.fold >= len(folds):
        n_folds = format_count(len(folds), "fold")
        raise TrialFailed(f"{job.name}: the split has {n_folds} and none of index {job.fold}")
    config = _config_of(job)
    is_stopped = False

    def after_epoch(so_far: Outcomes, make_checkpoint: Callable[[], Checkpoint]) -> bool:
        nonlocal is_stopped
        epoch, checkpoint = so_far.curve[-1].epoch, make_checkpoint()
        if job.keeps_every_epoch or so_far.best_epoch == epoch:
            life.keep_network(epoch, checkpoint)
        life.keep(so_far.curve, checkpoint)
        if not job.keeps_every_epoch:  # after the checkpoint, from which the next life goes on
            life.drop_networks(but=so_far.best_epoch)
        is_stopped = life.is_stopping() and epoch < n_epochs(config)
        return is_stopped

    planned = (Planned(job.fold, job.seed),)
    if life.resume is not None:
        life.keep(life.resume.outcome.curve, life.resume)
    selector = EpochSelector(study.objective, study.value if job.epochs is None else "last")
    outcomes = run_all(config, life.data_module, planned, selector, after_epoch, resume=life.resume)
    return None if is_stopped else _end(life, job, outcomes)


def _config_of(job: Job) -> ExperimentConfig:
    """Return what is trained; a fixed number of epochs is as if the configuration asked for it."""
    if job.epochs is None:
        return job.config
    training = job.config.training.model_copy(update={"epochs": job.epochs, "patience": None})
    return job.config.model_copy(update={"training": training})


def _end(life: Life, job: Job, outcomes: Outcomes) -> Ending:
    """Store the model and its validation answers; return the training's end."""
    development, curve = life.data_module.development, outcomes.curve
    fold_data = life.data_module.fold(job.config, job.fold)
    epochs = [each.epoch for each in curve] if job.keeps_every_epoch else [outcomes.best_epoch]
    networks = tuple(map(life.read_network, epochs))
    classes = development.everything.classes
    model = SavedModel(
        job.config, fold_data.preprocessor, classes, networks, origins={}, synthetic=False
    )
    write_bytes(life.files.probabilities, outcomes.answers(development))
    model.save(life.files.weights)
    trainings = outcomes.trainings(development)
    return Ending(TrialState.COMPLETE, outcomes.value, outcomes.best_epoch, trainings=trainings)
