"""The trainings that a confirmation consists of: every process plans the same ones.

In: a study's trials. Out: one `PlannedConfirmation` for each of the best trials, and for the
default configuration, with each fresh seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from emotion_hpo.config import SearchConfig
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.study import StudyHome, Trial, study_file
from emotion_hpo.study.trials import find_default, rank_trials


@dataclass(frozen=True)
class PlannedConfirmation:
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
) -> list[PlannedConfirmation]:
    """Return every leader's trainings, seed by seed: if it is cut off, all are trained alike.

    A model that draws nothing is the same from every seed, and has one training.
    """
    study = config.study
    ranked = rank_trials(trials, study.objective)
    complete = sorted(ranked, key=lambda trial: trial.number)
    default = find_default(home, config.experiment(), complete)
    candidates = ranked[: study.confirm_leaders]
    if default is not None and default not in candidates:
        candidates.append(default)
    seeded = [
        trial for trial in candidates if study_file.trial_config(home, trial.number).model.has_seed
    ]
    return [
        PlannedConfirmation(
            trial.number,
            index,
            derive(study.seed, "confirmation", trial.number, index),
            is_default=trial is default,
        )
        for index in range(study.confirm_seeds)
        for trial in (candidates if index == 0 else seeded)
    ]
