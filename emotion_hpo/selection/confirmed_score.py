"""The expected score of the confirmed winner: its mean over fresh seeds, less the choice's gain.

The candidates' new trainings have answered the same validation utterances. So the choice among
their means is repeated on parts of the dialogues, as `metrics.correct_winner_score` does for a
search, and what it adds is subtracted from the winner's mean. That the candidates had been the best
of a search on these utterances stays in it, as far as it was not their seeds' luck.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import Run, ValidationLabels, correct_winner_score
from emotion_hpo.selection.expected_score import select_answers
from emotion_hpo.selection.leaders import PlannedConfirmation
from emotion_hpo.study import RESTORE, StudyHome, n_smoothed_of
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.selection import Confirmation, ConfirmedScore


def estimate_confirmed_score(
    home: StudyHome, config: SearchConfig, mean: float, confirmations: Sequence[PlannedConfirmation]
) -> ConfirmedScore:
    """Estimate the expected score of the confirmed winner.

    Args:
        home: The study.
        config: Its configuration.
        mean: The winner's, over its trainings.
        confirmations: The trainings of all candidates.

    Raises:
        StudyError: What a training answered is gone.
    """
    by_trial: dict[int, list[Run]] = {}
    for confirmation in confirmations:
        files = home.confirmation(confirmation.number, confirmation.index)
        best_epochs = read_record(files.record, Confirmation).best_epochs
        if best_epochs is None:  # it failed
            continue
        if not files.every_epoch.exists():
            raise StudyError(f"{files.every_epoch} is missing; {RESTORE}")
        with np.load(files.every_epoch) as stored:
            by_trial.setdefault(confirmation.number, []).extend(
                Run(fold, select_answers(stored[f"training_{index}"], epoch, config.study.value))
                for index, (fold, epoch) in enumerate(best_epochs)
            )
    expected = correct_winner_score(
        _read_folds(home, next(iter(by_trial))),
        list(by_trial.values()),
        config.study.objective,
        n_smoothed=n_smoothed_of(config.study.value),
    )
    optimism = expected.plain - expected.value
    value = min(max(mean - optimism, 0.0), expected.most)
    return ConfirmedScore(value=value, interval=expected.around(value), optimism=optimism)


def _read_folds(home: StudyHome, number: int) -> Mapping[str, ValidationLabels]:
    """Read the validation parts, as a trial stored them: sorted by id, and so is every fold's."""
    with np.load(home.trial(number).probabilities) as stored:
        folds, labels, dialogues = (stored[name] for name in ("fold", "label", "dialogue"))
    return {
        str(name): ValidationLabels(labels[folds == name], list(dialogues[folds == name]))
        for name in np.unique(folds)
    }
