"""A leader of the search over a fresh seed: every fold, all its epochs, compared with nothing.

What it comes to is stored with the study (`selection/`), where `selection.confirmation` reads it.
"""

from collections.abc import Callable

from emotion_hpo.errors import TrialFailed
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.ending import Ending
from emotion_hpo.study import TrialState, write_bytes
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.selection import Confirmation
from emotion_hpo.training.fold_run import Checkpoint, EpochSelector
from emotion_hpo.training.learner import n_epochs
from emotion_hpo.training.trial_run import Outcomes, plan, run_all


def train_confirmation(life: Life) -> Ending | None:
    """Train a leader to its end; None if it was stopped before. One that diverges has ended."""
    claim, study = life.claim, life.config.study
    assert claim.job is not None, "it is of a batch"
    development = life.data_module.development
    files = life.home.confirmation_named(claim.job.name)
    planned = plan(len(development.folds), 1, claim.seed)
    is_stopped = False

    if life.resume is not None:
        before = Outcomes(planned, (*life.resume.before, life.resume.outcome), is_running=True)
        life.keep(before.curve, life.resume)

    def after_epoch(so_far: Outcomes, make_checkpoint: Callable[[], Checkpoint]) -> bool:
        nonlocal is_stopped
        life.keep(so_far.curve, make_checkpoint())
        is_last = so_far.each[-1].curve[-1].epoch >= n_epochs(claim.config)
        is_stopped = life.is_stopping() and not (is_last and len(so_far.each) == len(planned))
        return is_stopped

    selector = EpochSelector(study.objective, study.value)
    try:
        outcomes = run_all(
            claim.config, life.data_module, planned, selector, after_epoch, resume=life.resume
        )
    except TrialFailed as failure:
        write_record(files.record, Confirmation(value=None, reason=str(failure)))
        return Ending(TrialState.PRUNED, None, None, str(failure))
    if is_stopped:
        return None
    assert outcomes.learner is not None, "a training has just ended"
    trainings = outcomes.trainings(development)
    record = Confirmation(
        value=outcomes.value,
        best_epoch=outcomes.best_epoch,
        by_fold=tuple(training.value for training in trainings),
        best_epochs=tuple((training.fold, training.best_epoch) for training in trainings),
        n_parameters=outcomes.learner.n_parameters,
        seconds=sum(epoch.seconds for epoch in outcomes.curve),
        seed=claim.seed,
    )
    write_bytes(files.every_epoch, outcomes.every_epoch())  # before what says that it has ended
    write_record(files.record, record)
    return Ending(TrialState.COMPLETE, outcomes.value, outcomes.best_epoch, trainings=trainings)
