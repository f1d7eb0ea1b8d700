"""How much a study may spend, and whether it has.

Three measures, whichever ends first: finished trials (exact), epochs, and hours of training. The
last two end a search between trials: once that much has been trained no new trial begins, and those
that run, or were cut off, are trained to their end, so that nothing paid for is lost. An epoch that
a killed worker did not finish is not counted; one that a later life takes up is counted once. A
space of fewer points than trials ends a search, too, once each point is tried.
"""

from collections.abc import Container, Iterable, Mapping

from emotion_hpo.config import SearchConfig, StudyConfig
from emotion_hpo.search.enumeration import is_exhaustible
from emotion_hpo.study import Epoch, Trial, TrialState

#: If this many first trials all fail, the rest would too.
FAIL_FAST = 3


def is_spent(config: SearchConfig, trials: list[Trial]) -> bool:
    """Return whether no trial is left to begin, to continue or to wait for."""
    is_running = any(trial.state is TrialState.RUNNING for trial in trials)
    return n_open(config, trials) <= 0 and not is_running


def n_open(config: SearchConfig, trials: list[Trial]) -> int:
    """Return how many trials are still to be claimed: only cut ones once the budget is used up."""
    n_taken = sum(trial.state.is_finished or trial.state is TrialState.RUNNING for trial in trials)
    n_left = config.study.n_trials - n_taken
    waiting = [trial for trial in trials if trial.state is TrialState.WAITING]
    if is_used_up(config.study, trials):
        return min(n_left, sum(trial.continues is not None for trial in waiting))
    return min(n_left, len(waiting)) if is_exhaustible(config) else n_left


def is_used_up(study: StudyConfig, trials: Iterable[Trial]) -> bool:
    """Return whether as many epochs or hours have been trained as the study may spend."""
    if study.max_epochs is None and study.max_hours is None:
        return False
    epochs = trained_epochs(trials)
    if study.max_epochs is not None and len(epochs) >= study.max_epochs:
        return True
    hours = sum(epoch.seconds for epoch in epochs) / 3600
    return study.max_hours is not None and hours >= study.max_hours


def explain_failures(
    study: StudyConfig, trials: list[Trial], ended_before: Container[int]
) -> str | None:
    """Say how many trials failed, if the first of this search all did, or too many; else None.

    Args:
        study: How many may fail.
        trials: All of the study's.
        ended_before: Numbers of those that had ended before this search began.
    """
    ended = [trial for trial in trials if trial.state.is_finished]
    new = [trial for trial in ended if trial.number not in ended_before]
    failed = [trial for trial in new if trial.state is TrialState.FAILED]
    most = study.max_failures
    if len(failed) == len(new) >= FAIL_FAST:
        kind = "trials" if failed[-1].job is None else "trainings"
        counted = f"the first {len(failed)} {kind} failed"
    elif most is not None and len(failed) >= most:
        counted = f"{len(failed)} of {len(new)} trials failed (study.max_failures={most})"
    else:
        return None
    return f"{counted}, the last with: {failed[-1].reason}"


def trained_epochs(trials: Iterable[Trial]) -> list[Epoch]:
    """Return every epoch once: an interrupted trial's are those of the trial that continues it."""
    by_number: Mapping[int, Trial] = {trial.number: trial for trial in trials}
    epochs: list[Epoch] = []
    for trial in by_number.values():
        heirs = [heir for heir in by_number.values() if heir.continues == trial.number]
        if not any(len(heir.curve) >= len(trial.curve) for heir in heirs):
            epochs += trial.curve
    return epochs


def format_progress(n_finished: int, n_trials: int) -> str:
    """Return how far a study is, which may be beyond a budget that was lowered later.

    >>> format_progress(3, 12), format_progress(3, 1)
    ('3 of 12 trials', '3 trials')
    """
    return (
        f"{n_finished} of {n_trials} trials" if n_finished <= n_trials else f"{n_finished} trials"
    )


def explain_end(study: StudyConfig, n_finished: int, *, is_exhausted: bool) -> str:
    """Say why a search ended with another number of trials than `n_trials`, and how to go on."""
    if n_finished > study.n_trials:
        return (
            f"Budget exhausted: {n_finished} trials are finished, more than study.n_trials="
            f"{study.n_trials}. Raise it above {n_finished} to continue."
        )
    if is_exhausted:
        return (
            f"Space exhausted: all its points are tried, in {n_finished} trials. Search a wider "
            f"space under another study.name; warm_start={study.name} takes these trials along."
        )
    limits = [name for name in ("max_epochs", "max_hours") if getattr(study, name) is not None]
    keys = " or ".join(f"study.{name}" for name in limits or ["n_trials"])
    return f"Budget exhausted: {format_budget(study)}. Raise {keys} to continue."


def format_budget(study: StudyConfig) -> str:
    """Return what a study may spend: trials, epochs, hours."""
    parts = [f"{study.n_trials} trials"]
    parts += [f"{study.max_epochs} epochs"] if study.max_epochs is not None else []
    parts += [f"{study.max_hours:g} hours of training"] if study.max_hours is not None else []
    return " or ".join(parts)
