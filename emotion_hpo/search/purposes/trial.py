"""A trial of the search: every fold and seed, reported after each epoch, pruned if it is poor."""

from collections.abc import Callable

from emotion_hpo.config import NetworkModel
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.ending import Ending
from emotion_hpo.search.pruning import steps
from emotion_hpo.study import TrialState, write_bytes
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.training.fold_run import Checkpoint, EpochSelector
from emotion_hpo.training.learner import n_epochs
from emotion_hpo.training.profiling import MEASURED, measure_cost
from emotion_hpo.training.trial_run import Outcomes, plan, run_all


def train_trial(life: Life) -> Ending | None:
    """Train a trial to its end; None if it was stopped before.

    Raises:
        TrialFailed: A training diverged.
        ClaimLost: The trial is another's by now.
    """
    claim, files, study = life.claim, life.files, life.config.study
    development, objective = life.data_module.development, life.config.study.objective
    planned = plan(len(development.folds), study.n_seeds, claim.seed)
    state: TrialState = TrialState.COMPLETE
    reported: dict[int, float] = {}
    # The only epoch of a classical model would stand beside the first epochs of networks
    is_compared = isinstance(claim.config.model, NetworkModel) or len(planned) > 1

    if life.resume is not None:
        so_far = Outcomes(planned, (*life.resume.before, life.resume.outcome), is_running=True)
        life.keep(so_far.curve, life.resume)
        _keep_weights_of_former_lives(life)
        if is_compared:
            reported = steps(so_far, objective, life.config.pruner)
            life.study.report_previous_steps(claim, reported)

    def is_poor(so_far: Outcomes) -> bool:
        nonlocal reported
        if not is_compared:
            return False
        before, reported = reported, steps(so_far, objective, life.config.pruner)
        new = [step for step in reported if step not in before]
        return bool(new) and life.study.report(claim, new[-1], reported[new[-1]])

    def after_epoch(so_far: Outcomes, make_checkpoint: Callable[[], Checkpoint]) -> bool:
        nonlocal state
        epoch = so_far.each[-1].curve[-1].epoch
        is_last = epoch >= n_epochs(claim.config) and len(so_far.each) == len(planned)
        checkpoint = make_checkpoint()
        if study.keep_weights and so_far.each[-1].best_epoch == epoch:
            checkpoint.save_weights(files.weights)
        life.keep(so_far.curve, checkpoint)
        if is_poor(so_far) and not is_last:
            state = TrialState.PRUNED
        elif life.is_stopping() and not is_last:
            state = TrialState.INTERRUPTED
        return state is not TrialState.COMPLETE

    def after_training(so_far: Outcomes) -> bool:
        nonlocal state
        if is_poor(so_far) and len(so_far.each) < len(planned):
            state = TrialState.PRUNED
        return state is not TrialState.COMPLETE

    selector = EpochSelector(objective, study.value)
    outcomes = run_all(
        claim.config, life.data_module, planned, selector, after_epoch, after_training, life.resume
    )
    return None if state is TrialState.INTERRUPTED else _end(life, state, outcomes)


def _end(life: Life, state: TrialState, outcomes: Outcomes) -> Ending:
    """Store what a trial has come to; return its end."""
    files, data_module = life.files, life.data_module
    write_bytes(files.probabilities, outcomes.answers(data_module.development))
    cost = measure_cost(life.claim.config, data_module, outcomes.learner)
    write_record(files.cost, Cost.from_json(cost))
    write_bytes(files.every_epoch, outcomes.every_epoch())
    second = life.config.study.second_objective
    return Ending(
        state,
        outcomes.value,
        outcomes.best_epoch,
        trainings=outcomes.trainings(data_module.development),
        cost=None if second is None else float(cost[MEASURED[second]]),
    )


def _keep_weights_of_former_lives(life: Life) -> None:
    """Take their latest best weights over: the trial's best epoch may lie in a former life."""
    paths = [files.weights for files in life.former_files]
    latest = next((path for path in paths if path.exists()), None)
    if latest is not None:
        write_bytes(life.files.weights, latest.read_bytes())
