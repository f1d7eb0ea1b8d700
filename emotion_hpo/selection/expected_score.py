"""What `search` promises of its winner: the score to expect on new utterances, and on whose.

Read from the files of a study: every trial's validation answers after every epoch. Only complete
trials are chosen from, as `search` itself does.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emotion_hpo.config import SearchConfig
from emotion_hpo.metrics import Expected, Fold, Run, expected_score, find_metric
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, Trial, TrialState, n_smoothed_of

#: Trials further behind win in no resample, and each has megabytes of answers.
_MOST = 200

HEARD, NEW = "speakers already heard", "new speakers"

#: Of what `split=paper` promises: the table of docs/statistics.md, by benchmarks/honesty.py.
TOO_MUCH_FOR_NEW_VOICES = 2.2


def expected_of(
    home: StudyHome, config: SearchConfig, development: Development, trials: Sequence[Trial]
) -> dict[str, Any] | None:
    """What the winner of a study is worth; None where there is no complete trial with its answers.

    Returns:
        `value`, `interval` (90 %, as `metrics.Interval`), `plain` (the best validation value),
        `optimism`, `winner`, `holds_for`, `speakers`, `n_trials`, `n_folds`, `n_dialogues`,
        `sentence`.
    """
    complete = [
        one
        for one in trials
        if one.state is TrialState.COMPLETE and home.trial(one.number).every_epoch.exists()
    ]
    if not complete:
        return None
    sign = find_metric(config.study.objective).sign
    ranked = sorted(complete, key=lambda one: (-sign * (one.value or 0.0), one.number))
    n_complete, complete = len(complete), ranked[:_MOST]
    folds = {
        fold.name: Fold(fold.validation.labels, list(fold.validation.table["dialogue"]))
        for fold in development.folds
    }
    runs = [_runs(home, one, config.study.value) for one in complete]
    n_smoothed = n_smoothed_of(config.study.value)
    found = expected_score(folds, runs, config.study.objective, n_smoothed=n_smoothed)
    holds_for, speakers = audience(development)
    return {
        "value": found.value,
        "interval": found.interval.as_json(),
        "plain": found.plain,
        "optimism": found.plain - found.value,
        "winner": complete[found.winner].name,
        "holds_for": holds_for,
        "speakers": speakers,
        "n_trials": n_complete,
        "n_folds": found.n_folds,
        "n_dialogues": found.n_dialogues,
        "sentence": sentence(config, found, holds_for, speakers),
    }


def audience(development: Development) -> tuple[str, list[str]]:
    """For whom a validation score speaks: heard in training or new, and who they are."""
    pairs = [
        (set(fold.validation.table["speaker"]), set(fold.train.table["speaker"]))
        for fold in development.folds
    ]
    speakers = sorted(set().union(*(judged for judged, _ in pairs)))
    return (HEARD if any(judged & trained for judged, trained in pairs) else NEW), speakers


def sentence(config: SearchConfig, found: Expected, holds_for: str, speakers: Sequence[str]) -> str:
    """For whom the score is expected, in words."""
    who = ", ".join(speakers)
    if holds_for == HEARD:
        told = f"It holds for new utterances of speakers whom training has heard, too ({who})."
        if config.split.name in ("paper", "last_fifth"):  # others were not measured
            told += (
                " For voices never heard it promises too much: on the synthetic twin "
                f"{TOO_MUCH_FOR_NEW_VOICES} points on average (docs/statistics.md)."
            )
        return told
    if found.n_folds > 1:
        return (
            f"It holds for new speakers; the interval includes the spread between the "
            f"{found.n_folds} folds ({who})."
        )
    return f"It holds for new speakers, as far as {who} tell: their spread it cannot know."


def choosable(answers: Any, best_epoch: int, rule: str) -> Any:  # noqa: ANN401 (arrays of npz)
    """A training's answers after the last epoch where that was to be taken; else after all."""
    return answers[best_epoch - 1 : best_epoch] if rule == "last" else answers


def _runs(home: StudyHome, trial: Trial, rule: str) -> list[Run]:
    """A trial's trainings, with the epochs among which its value was chosen."""
    with np.load(home.trial(trial.number).every_epoch) as stored:
        return [
            Run(one.fold, choosable(stored[f"training_{index}"], one.best_epoch, rule))
            for index, one in enumerate(trial.trainings)
        ]
