"""What the confirmed winner is worth: its mean over fresh seeds, less what choosing it added.

The candidates' new trainings have answered the same validation utterances. So the choice among
their means is repeated on parts of the dialogues, as `metrics.expected_score` does for a search,
and what it adds is taken off the winner's mean. That the candidates had been the best of a search
on these utterances stays in it, as far as it was not their seeds' luck.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emotion_hpo.config import SearchConfig
from emotion_hpo.metrics import Fold, Run, expected_score
from emotion_hpo.selection.expected_score import choosable
from emotion_hpo.selection.leaders import Confirmation
from emotion_hpo.study import StudyHome, n_smoothed_of
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.selection import Confirmation as ConfirmationRecord


def expected_of_confirmed(
    home: StudyHome, config: SearchConfig, mean: float, wanted: Sequence[Confirmation]
) -> dict[str, Any] | None:
    """What the confirmed winner is worth; None where an earlier version trained the leaders.

    Args:
        home: The study.
        config: Its configuration.
        mean: The winner's, over its trainings.
        wanted: The trainings of all candidates.

    Returns:
        `value`, `interval` (90 %, as `metrics.Interval`), `optimism`.
    """
    by_trial: dict[int, list[Run]] = {}
    for one in wanted:
        files = home.confirmation(one.number, one.index)
        record = read_record(files.record, ConfirmationRecord).to_json()
        if record["value"] is None:
            continue
        if not files.every_epoch.exists():
            return None
        with np.load(files.every_epoch) as stored:
            by_trial.setdefault(one.number, []).extend(
                Run(fold, choosable(stored[f"training_{index}"], epoch, config.study.value))
                for index, (fold, epoch) in enumerate(record["best_epochs"])
            )
    found = expected_score(
        _folds(home, next(iter(by_trial))),
        list(by_trial.values()),
        config.study.objective,
        n_smoothed=n_smoothed_of(config.study.value),
    )
    optimism = found.plain - found.value
    value = min(max(mean - optimism, 0.0), found.most)
    return {"value": value, "interval": found.around(value).as_json(), "optimism": optimism}


def _folds(home: StudyHome, number: int) -> Mapping[str, Fold]:
    """The validation parts, as a trial stored them: sorted by id, and so is every fold's."""
    with np.load(home.trial(number).probabilities) as stored:
        folds, labels, dialogues = (stored[name] for name in ("fold", "label", "dialogue"))
    return {
        str(name): Fold(labels[folds == name], list(dialogues[folds == name]))
        for name in np.unique(folds)
    }
