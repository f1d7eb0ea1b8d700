"""The baseline of a study: fitted and evaluated on the folds of a trial, stored once.

It is no trial: it costs seconds, takes no slot, and no sampler hears of it. `search.json` and the
screen show it beside the best trial.
"""

import io
import logging
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config import FeaturesConfig, SearchConfig
from emotion_hpo.metrics.registry import score_all
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, write_bytes
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.baseline import Baseline as BaselineRecord
from emotion_hpo.study.records.baseline import ValidationScores

if TYPE_CHECKING:
    from emotion_hpo.models.baseline import Baseline, Candidate

_log = logging.getLogger(__name__)


def fit_or_read_baseline(
    home: StudyHome,
    development: Development,
    modalities: tuple[str, ...],
    config: SearchConfig,
) -> BaselineRecord:
    """Return the baseline's scores from the study's home or, the first time, fit it.

    Args:
        home: The study's.
        development: What it learns from, and is judged on.
        modalities: What the corpus has.
        config: How the study scales them, and whether it reads what was said before.

    Returns:
        Where turns before are read, too, its scores without them stand in `alone`.

    Raises:
        StudyError: What is stored cannot be read.
    """
    if home.baseline.exists():
        return read_record(home.baseline, BaselineRecord)
    _log.info("Fitting the baseline, which every trial is held against")
    # scikit-learn takes a second to load
    from emotion_hpo.models.baseline import count_turns_before, describe
    from emotion_hpo.models.modalities import all_modalities

    parts = tuple(name for name in all_modalities(development.everything) if name in modalities)
    features, turns_before = config.features, count_turns_before(config, development.everything)
    fitted, scores, probabilities = _evaluate(
        development, features, parts, turns_before=turns_before
    )
    reads_turns = any(baseline.model.turns_before for baseline in fitted)
    without = _evaluate(development, features, parts)[1] if reads_turns else None
    models = [baseline.model for baseline in fitted]
    alone = {}
    if len(parts) > 1:
        alone = {
            part: _evaluate(development, features, (part,), models, turns_before)[1]
            for part in parts
        }
    record = BaselineRecord(
        model=" or ".join(dict.fromkeys(map(describe, models))),
        parts=parts,
        n_train=n_train(development),
        validation=scores,
        alone=without,
        by_part=alone or dict.fromkeys(parts, scores),
    )
    validation = development.validation
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        utterance_id=np.array(validation.ids),
        dialogue=np.array(validation.table["dialogue"], str),
        label=validation.labels,
        probabilities=probabilities,
    )
    write_bytes(home.baseline_probabilities, buffer.getvalue())
    write_record(home.baseline, record)
    return record


def _evaluate(
    development: Development,
    features: FeaturesConfig,
    parts: tuple[str, ...],
    models: Sequence["Candidate | None"] = (),
    turns_before: int = 0,
) -> tuple[list["Baseline"], ValidationScores, NDArray[np.float32]]:
    """Fit on each fold; return the baselines, mean scores, and probabilities `(n, classes)`.

    Args:
        development: The folds.
        features: How the study scales its features.
        parts: The modalities to read.
        models: Of each fold; without them, each fold's is chosen.
        turns_before: How many turns are read beside an utterance.
    """
    from emotion_hpo.models.baseline import Baseline

    by_speaker = development.has_new_speakers
    fitted, by_fold = [], []
    by_utterance: dict[str, NDArray[np.float32]] = {}
    for fold, model in zip(
        development.folds, models or [None] * len(development.folds), strict=True
    ):
        baseline = Baseline.fit(
            fold.train,
            features,
            parts=parts,
            model=model,
            by_speaker=by_speaker,
            turns_before=turns_before,
        )
        rows = baseline.probabilities(fold.validation)
        fitted.append(baseline)
        by_fold.append(score_all(fold.validation.labels, rows))
        by_utterance |= dict(zip(fold.validation.ids, rows, strict=True))
    means = {name: statistics.fmean(scores[name] for scores in by_fold) for name in by_fold[0]}
    probabilities = np.stack([by_utterance[name] for name in development.validation.ids])
    return fitted, ValidationScores.from_json(means), probabilities


def n_train(development: Development) -> int:
    """Return how many utterances a training learns from: of several folds, the mean."""
    return round(statistics.fmean(len(fold.train) for fold in development.folds))
