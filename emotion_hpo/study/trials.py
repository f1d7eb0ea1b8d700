"""The finished trials of a study, read from its folder, and which of them a user means."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter

from emotion_hpo.errors import StudyError, unknown_name
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.study import RESTORE, StudyHome, Trial, TrialState, read_as, write_json

_RECORD = TypeAdapter(Trial)


def write_trial(home: StudyHome, trial: Trial) -> None:
    """Store a trial that has ended; its curve lies beside it."""
    content = {name: value for name, value in asdict(trial).items() if name != "curve"}
    write_json(home.trial(trial.number).record, content)


def read_trials(home: StudyHome) -> list[Trial]:
    """All trials that have ended, by number.

    Raises:
        StudyError: A file cannot be read.
    """
    trials = []
    for record in records_of(home):
        trial = read_record(record)
        trials.append(replace(trial, curve=home.trial(trial.number).read_curve()))
    return sorted(trials, key=lambda one: one.number)


def records_of(home: StudyHome) -> list[Path]:
    """The records of all trials that have ended, in no order."""
    return [*home.path.glob("trials/trial_*/trial.json")]


def read_record(path: Path) -> Trial:
    """A trial that has ended, without its curve.

    Raises:
        StudyError: It cannot be read.
    """
    trial = read_as(path, _RECORD)
    if trial.continues is not None and trial.continues >= trial.number:
        told = f"{trial.name} cannot continue trial_{trial.continues}"
        raise StudyError(f"{path} was not written by this version: {told}; {RESTORE}")
    return trial


def best_of(trials: Iterable[Trial], objective: str = "val/accuracy") -> Trial | None:
    """The complete trial with the best objective; the earlier one of equals."""
    sign = find_metric(objective).sign
    scores = [
        (sign * one.value, -one.number, one)
        for one in trials
        if one.state is TrialState.COMPLETE and one.value is not None
    ]
    return max(scores, key=lambda score: score[:2])[2] if scores else None


def front_of(trials: Iterable[Trial], objective: str) -> list[Trial]:
    """The complete trials that none beats in the objective without a higher cost, cheapest first.

    Of equals in both the earlier one stands for all.
    """
    sign = find_metric(objective).sign
    scored = [
        (one.cost, -sign * one.value, one.number, one)
        for one in trials
        if one.state is TrialState.COMPLETE and one.value is not None and one.cost is not None
    ]
    front: list[Trial] = []
    best = float("inf")
    for _, loss, _, one in sorted(scored, key=lambda scores: scores[:3]):
        if loss < best:
            best = loss
            front.append(one)
    return front


def find(
    trials: Iterable[Trial], wanted: str | int | None, objective: str = "val/accuracy"
) -> Trial:
    """The trial that a user means by `trial_42`, `42`, or nothing for the best.

    Raises:
        StudyError: It does not exist, has no score, or no trial is complete.
    """
    known = {one.number: one for one in trials}
    if wanted is None or wanted == "":
        best = best_of(known.values(), objective)
        if best is None:
            raise StudyError("the study has no complete trial yet; run `make search` first")
        return best
    scored = [one.name for one in known.values() if one.best_epoch is not None]
    if not scored:
        raise StudyError("the study has no finished trial yet; run `make search` first")
    by_name = {str(number): trial for number, trial in known.items()}
    trial = by_name.get(str(wanted).removeprefix("trial_"))
    if trial is None:
        raise StudyError(unknown_name("trial", str(wanted), scored))
    if trial.best_epoch is None:
        raise StudyError(
            f"{trial.name} is {trial.state} and has no score; trials with one: {', '.join(scored)}"
        )
    return trial


def describe_end(trial: Trial) -> str:
    """How a trial ended, in a few words, with what it continues.

    >>> describe_end(Trial(5, TrialState.PRUNED, continues=4))
    'pruned (continues trial_4)'
    """
    continued = f" (continues trial_{trial.continues})" if trial.continues is not None else ""
    return f"{trial.state.value}{continued}"
