"""Which trainings a confirmation consists of: the same from every process that asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from emotion_hpo.config import SearchConfig
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.study import StudyHome, Trial, TrialState, study_file


@dataclass(frozen=True)
class Confirmation:
    """One training of a leader over a fresh seed, all folds.

    Attributes:
        number: The trial's number.
        index: Of the fresh seed.
        seed: The seed.
        is_default: Whether the trial is the default configuration.
    """

    number: int
    index: int
    seed: int
    is_default: bool


def plan_confirmations(
    home: StudyHome, config: SearchConfig, trials: Sequence[Trial]
) -> list[Confirmation]:
    """Every leader's trainings, seed by seed: whatever is cut off, all have been trained alike."""
    study = config.study
    sign = find_metric(study.objective).sign
    complete = [one for one in trials if one.state is TrialState.COMPLETE and one.value is not None]
    ranked = sorted(complete, key=lambda one: (-sign * (one.value or 0.0), one.number))
    wanted = config.experiment().identity
    default = next(
        (
            one.number
            for one in complete
            if study_file.trial_config(home, one.number).identity == wanted
        ),
        None,
    )
    numbers = [one.number for one in ranked[: study.confirm_leaders]]
    if default is not None and default not in numbers:
        numbers.append(default)
    return [
        Confirmation(
            number, index, derive(study.seed, "confirmation", number, index), number == default
        )
        for index in range(study.confirm_seeds)
        for number in numbers
    ]
