"""The score to expect of the greedy ensemble of a search's models, on new utterances.

Read from the same files as the winner's: every trial's validation answers after every epoch, and
the baseline's, which has but one. The ensemble is the one that `final best=ensemble` would retrain,
by its default settings.
"""

from collections.abc import Sequence

import numpy as np

from emotion_hpo.config import SearchConfig
from emotion_hpo.metrics import Run, ValidationLabels, correct_ensemble_score
from emotion_hpo.selection.ensemble import Ensemble, candidates_of, weights_of
from emotion_hpo.selection.expected_score import read_runs
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, Trial, n_smoothed_of
from emotion_hpo.study.records.search_summary import EnsembleMember, ExpectedEnsemble


def estimate_ensemble_score(
    home: StudyHome, config: SearchConfig, development: Development, trials: Sequence[Trial]
) -> ExpectedEnsemble | None:
    """Estimate the expected score of the ensemble.

    Returns:
        None with fewer than two models' answers, or where one of them is best alone.
    """
    objective, ensemble = config.study.objective, Ensemble()
    ranked = candidates_of(home, trials, objective)
    if len(ranked) < 2:
        return None
    weights = weights_of(ranked, objective, ensemble)
    members = np.flatnonzero(weights)
    if len(members) < 2:
        return None
    expected = correct_ensemble_score(
        {
            fold.name: ValidationLabels(
                fold.validation.labels, list(fold.validation.table["dialogue"])
            )
            for fold in development.folds
        },
        [
            read_runs(home, candidate.trial, config.study.value)
            if candidate.trial is not None
            else _read_baseline_runs(home, development)
            for candidate in ranked
        ],
        weights,
        objective,
        n_members=ensemble.n_members,
        n_smoothed=n_smoothed_of(config.study.value),
    )
    return ExpectedEnsemble(
        value=expected.value,
        interval=expected.interval,
        plain=expected.plain,
        optimism=expected.plain - expected.value,
        members=tuple(
            EnsembleMember(trial=ranked[member].name, weight=float(weights[member]))
            for member in members
        ),
        n_trials=len(ranked),
    )


def _read_baseline_runs(home: StudyHome, development: Development) -> list[Run]:
    """Return the baseline's answers to each fold, as those of a training of one epoch."""
    with np.load(home.baseline_probabilities) as stored:
        rows = dict(zip(stored["utterance_id"], stored["probabilities"], strict=True))
    return [
        Run(fold.name, np.stack([rows[name] for name in fold.validation.ids])[None])
        for fold in development.folds
    ]
