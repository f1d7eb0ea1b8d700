"""The finished trials of a study, read from its folder, and which of them a user means."""

from collections.abc import Iterable
from pathlib import Path

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.errors import StudyError, unknown_name
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.study import StudyHome, Trial, TrialState
from emotion_hpo.study.curves import read_curve
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.trial import TrialRecord
from emotion_hpo.study.study_file import trial_config


def write_trial(home: StudyHome, trial: Trial) -> None:
    """Store a trial that has ended; its curve lies beside it."""
    write_record(home.trial(trial.number).record, TrialRecord.of(trial))


def read_trials(home: StudyHome) -> list[Trial]:
    """Read all trials that have ended, by number.

    Raises:
        StudyError: A file cannot be read.
    """
    trials = []
    for record in records_of(home):
        stored = read_record(record, TrialRecord)
        trials.append(stored.trial(read_curve(home.trial(stored.number))))
    return sorted(trials, key=lambda trial: trial.number)


def records_of(home: StudyHome) -> list[Path]:
    """Return the files of all trials that have ended, in no order."""
    return [*home.path.glob("trials/trial_*/trial.json")]


def best_of(trials: Iterable[Trial], objective: str = "val/accuracy") -> Trial | None:
    """Return the complete trial with the best objective, or None; the earlier one of equals."""
    return next(iter(rank_trials(trials, objective)), None)


def rank_trials(trials: Iterable[Trial], objective: str) -> list[Trial]:
    """Return the complete trials, best objective first; of equals the earlier one first."""
    sign = find_metric(objective).sign
    scored = [
        (-sign * trial.value, trial.number, trial)
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.value is not None
    ]
    return [trial for _, _, trial in sorted(scored, key=lambda scores: scores[:2])]


def find_default(
    home: StudyHome, experiment: ExperimentConfig, trials: Iterable[Trial]
) -> Trial | None:
    """Return the first of the trials that trained the study's own configuration, or None."""
    return next(
        (
            trial
            for trial in trials
            if trial_config(home, trial.number).identity == experiment.identity
        ),
        None,
    )


def front_of(trials: Iterable[Trial], objective: str) -> list[Trial]:
    """Return the Pareto front: the complete trials that none beats without a higher cost.

    The cheapest comes first; of equals in both the earlier one stands for all.
    """
    sign = find_metric(objective).sign
    scored = [
        (trial.cost, -sign * trial.value, trial.number, trial)
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.value is not None and trial.cost is not None
    ]
    front: list[Trial] = []
    best = float("inf")
    for _, loss, _, trial in sorted(scored, key=lambda scores: scores[:3]):
        if loss < best:
            best = loss
            front.append(trial)
    return front


def find(trials: Iterable[Trial], name: str | int | None, objective: str = "val/accuracy") -> Trial:
    """Return the trial that a user means by `trial_42`, `42`, or nothing for the best.

    Raises:
        StudyError: It does not exist, has no score, or no trial is complete.
    """
    known = {trial.number: trial for trial in trials}
    if name is None or name == "":
        best = best_of(known.values(), objective)
        if best is None:
            raise StudyError("the study has no complete trial yet; run `make search` first")
        return best
    scored = [trial.name for trial in known.values() if trial.best_epoch is not None]
    if not scored:
        raise StudyError("the study has no finished trial yet; run `make search` first")
    by_name = {str(number): trial for number, trial in known.items()}
    trial = by_name.get(str(name).removeprefix("trial_"))
    if trial is None:
        raise StudyError(unknown_name("trial", str(name), scored))
    if trial.best_epoch is None:
        raise StudyError(
            f"{trial.name} is {trial.state} and has no score; trials with one: {', '.join(scored)}"
        )
    return trial


def describe_end(trial: Trial) -> str:
    """Describe how a trial ended, with what it continues.

    >>> describe_end(Trial(5, TrialState.PRUNED, continues=4))
    'pruned (continues trial_4)'
    """
    continued = f" (continues trial_{trial.continues})" if trial.continues is not None else ""
    return f"{trial.state.value}{continued}"
