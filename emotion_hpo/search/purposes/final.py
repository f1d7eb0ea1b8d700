"""A final model of one seed: everything that is not sealed, for the epochs that validation chose.

What it comes to is a saved model of one network beside its curve; `final.retraining` puts those of
all seeds together. The sealed session is neither read nor known here.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import Tensor

from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.ending import Ending
from emotion_hpo.study import Epoch, TrialState
from emotion_hpo.training.fold_run import NOTHING_YET, Checkpoint
from emotion_hpo.training.job import Job
from emotion_hpo.training.learner import Learner, build_learner
from emotion_hpo.training.loop import Evaluation, TrainingState


def train_final(life: Life) -> Ending | None:
    """Train a final model to its last epoch; None if it was stopped before.

    Raises:
        TrialFailed: The training diverged.
    """
    job = life.claim.job
    assert job is not None, "it is of a batch"
    assert job.epochs is not None, "validation has chosen them"
    classes = life.data_module.development.everything.classes
    preprocessor, train = life.data_module.everything(job.config)
    learner = build_learner(job.config, preprocessor, len(classes), seed=job.seed)
    curve: tuple[Epoch, ...] = ()
    last, is_stopped = job.epochs, False

    def on_epoch(
        epoch: Epoch, _evaluation: Evaluation | None, make_state: Callable[[], TrainingState]
    ) -> bool:
        nonlocal curve, is_stopped
        curve = (*curve, epoch)
        checkpoint = Checkpoint(make_state(), replace(NOTHING_YET, curve=curve))
        if job.keeps_every_epoch:
            life.keep_network(epoch.epoch, checkpoint)
        life.keep(curve, checkpoint)
        is_stopped = life.is_stopping() and epoch.epoch < last
        return is_stopped or epoch.epoch >= last

    if life.resume is not None:
        curve = life.resume.outcome.curve
        life.keep(curve, life.resume)
    if curve and curve[-1].epoch >= last:  # cut off after its last epoch
        assert life.resume is not None, "its epochs are a former life's"
        learner.load(life.resume.state.network)
    else:
        start = None if life.resume is None else life.resume.state
        learner.fit(train, None, job.seed, on_epoch, start, lr_halvings=job.lr_halvings)
    return None if is_stopped else _end(life, job, learner, curve)


def _end(life: Life, job: Job, learner: Learner, curve: tuple[Epoch, ...]) -> Ending:
    """Store the model; return the training's end, whose value is its last loss."""
    config, everything = life.claim.config, life.data_module.development.everything
    preprocessor, _ = life.data_module.everything(config)
    networks: tuple[Mapping[str, Tensor], ...] = (learner.state(),)
    if job.keeps_every_epoch:
        networks = tuple(life.read_network(epoch.epoch) for epoch in curve)
    saved_model = SavedModel(
        config, preprocessor, everything.classes, networks, origins={}, synthetic=False
    )
    saved_model.save(life.files.weights)
    latest = curve[-1]
    return Ending(TrialState.COMPLETE, latest.metrics["train/loss"], latest.epoch)
