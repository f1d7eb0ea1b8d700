"""The score to expect of a search's winner on new utterances, and of whose utterances.

Read from the files of a study: every trial's validation answers after every epoch. Only complete
trials are chosen from, as `search` itself does.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emotion_hpo.config import SearchConfig
from emotion_hpo.metrics import CorrectedScore, Run, ValidationLabels, correct_winner_score
from emotion_hpo.runtime.formatting import name_some
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, Trial, n_smoothed_of
from emotion_hpo.study.records.search_summary import SearchedScore
from emotion_hpo.study.trials import rank_trials

#: Trials further behind win in no resample, and each has megabytes of answers.
_MOST = 200

#: So many speakers are named.
_N_NAMED = 10

HEARD, NEW = "speakers already heard", "new speakers"

#: Of what `split=paper` claims: the table of docs/statistics.md, by benchmarks/honesty.py.
TOO_MUCH_FOR_NEW_VOICES = 3.2


def estimate_expected_score(
    home: StudyHome, config: SearchConfig, development: Development, trials: Sequence[Trial]
) -> SearchedScore | None:
    """Estimate the expected score of a study's winner; None without a complete trial's answers."""
    ranked = [
        trial
        for trial in rank_trials(trials, config.study.objective)
        if home.trial(trial.number).every_epoch.exists()
    ]
    if not ranked:
        return None
    candidates = ranked[:_MOST]
    folds = {
        fold.name: ValidationLabels(fold.validation.labels, list(fold.validation.table["dialogue"]))
        for fold in development.folds
    }
    runs = [read_runs(home, trial, config.study.value) for trial in candidates]
    n_smoothed = n_smoothed_of(config.study.value)
    expected = correct_winner_score(folds, runs, config.study.objective, n_smoothed=n_smoothed)
    holds_for, speakers = audience(development)
    return SearchedScore(
        value=expected.value,
        interval=expected.interval,
        plain=expected.plain,
        optimism=expected.plain - expected.value,
        winner=candidates[expected.winner].name,
        holds_for=holds_for,
        speakers=tuple(speakers),
        n_trials=len(ranked),
        n_folds=expected.n_folds,
        n_dialogues=expected.n_dialogues,
        sentence=describe_audience(config, expected, holds_for, speakers),
    )


def audience(development: Development) -> tuple[str, list[str]]:
    """Return for whom a validation score holds: speakers heard in training or new, and who."""
    validated = [set(fold.validation.table["speaker"]) for fold in development.folds]
    speakers = sorted(set().union(*validated))
    return (NEW if development.has_new_speakers else HEARD), speakers


def describe_audience(
    config: SearchConfig, expected: CorrectedScore, holds_for: str, speakers: Sequence[str]
) -> str:
    """Return a sentence that says for whom the score is expected."""
    who = name_some(speakers, _N_NAMED)
    if holds_for == HEARD:
        sentence = f"It holds for new utterances of speakers whom training has heard, too ({who})."
        if config.split.name in ("paper", "last_fifth"):  # others were not measured
            sentence += (
                " For voices never heard it claims too much: on the synthetic twin "
                f"{TOO_MUCH_FOR_NEW_VOICES} points on average (docs/statistics.md)."
            )
        return sentence
    if expected.n_folds > 1:
        return (
            f"It holds for new speakers; the interval includes the spread between the "
            f"{expected.n_folds} folds ({who})."
        )
    return f"It holds for new speakers, as far as {who} tell: their spread it cannot know."


def select_answers(answers: Any, best_epoch: int, rule: str) -> Any:  # noqa: ANN401 (arrays of npz)
    """Return a training's answers after the epochs that its value was chosen from."""
    return answers[best_epoch - 1 : best_epoch] if rule == "last" else answers


def read_runs(home: StudyHome, trial: Trial, rule: str) -> list[Run]:
    """Read a trial's trainings, with the epochs among which its value was chosen."""
    with np.load(home.trial(trial.number).every_epoch) as stored:
        return [
            Run(
                training.fold,
                select_answers(stored[f"training_{index}"], training.best_epoch, rule),
            )
            for index, training in enumerate(trial.trainings)
        ]
