"""The finished trials of a study, read from its folder, and which of them a user means."""

from collections.abc import Iterable
from dataclasses import asdict

from emotion_hpo.errors import StudyError, unknown_name
from emotion_hpo.records import (
    RESTORE,
    StudyHome,
    Trial,
    TrialState,
    read_json,
    sign_of,
    write_json,
)


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
    for path in home.path.glob("trials/trial_*/trial.json"):
        stored = read_json(path)
        try:
            curve = home.trial(stored["number"]).read_curve()
            trials.append(Trial(**{**stored, "state": TrialState(stored["state"]), "curve": curve}))
        except (KeyError, TypeError, ValueError):
            raise StudyError(f"{path} was not written by this version; {RESTORE}") from None
    return sorted(trials, key=lambda one: one.number)


def best_of(trials: Iterable[Trial], objective: str = "val/accuracy") -> Trial | None:
    """The complete trial with the best objective; the earlier one of equals."""
    sign = sign_of(objective)
    scores = [
        (sign * one.value, -one.number, one)
        for one in trials
        if one.state is TrialState.COMPLETE and one.value is not None
    ]
    return max(scores, key=lambda score: score[:2])[2] if scores else None


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
    digits = str(wanted).removeprefix("trial_")
    if not digits.isdecimal() or int(digits) not in known:
        raise StudyError(unknown_name("trial", str(wanted), scored))
    trial = known[int(digits)]
    if trial.best_epoch is None:
        raise StudyError(
            f"{trial.name} is {trial.state} and has no score; trials with one: {', '.join(scored)}"
        )
    return trial
