"""The baseline of a study: fitted and evaluated on the folds of a trial, stored once.

It is no trial: it costs seconds, takes no slot, and no sampler hears of it. `search.json` and the
screen show it beside the best trial.
"""

import io
import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.registry import score_all
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, write_bytes
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.baseline import Baseline as BaselineRecord


def fit_or_read_baseline(
    home: StudyHome, development: Development, modalities: tuple[str, ...]
) -> Mapping[str, Any]:
    """Return the baseline's scores from the study's home or, the first time, fit it.

    Returns:
        Its `parts`, its scores on `validation` (means over the folds), and those of each part
        alone in `by_part`.

    Raises:
        StudyError: What is stored cannot be read.
    """
    if home.baseline.exists():
        return read_record(home.baseline, BaselineRecord).to_json()
    from emotion_hpo.models.baseline import choose_parts  # scikit-learn: a second, once a study

    parts = choose_parts(modalities)
    scores, probabilities = _evaluate(development, parts)
    alone = {part: _evaluate(development, (part,))[0] for part in parts} if len(parts) > 1 else {}
    baseline = {
        "model": "logistic regression",
        "parts": list(parts),
        "n_train": n_train(development),
        "validation": scores,
        "by_part": alone or {parts[0]: scores},
    }
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
    record = BaselineRecord.from_json(baseline)
    write_record(home.baseline, record)
    return record.to_json()


def _evaluate(
    development: Development, parts: tuple[str, ...]
) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Return mean scores over the folds, and class probabilities `(n, classes)` by utterance."""
    from emotion_hpo.models.baseline import Baseline

    by_fold: list[dict[str, float]] = []
    by_utterance: dict[str, NDArray[np.float32]] = {}
    for fold in development.folds:
        rows = Baseline.fit(fold.train, parts).probabilities(fold.validation)
        by_fold.append(score_all(fold.validation.labels, rows))
        by_utterance |= dict(zip(fold.validation.ids, rows, strict=True))
    means = {name: statistics.fmean(scores[name] for scores in by_fold) for name in by_fold[0]}
    return means, np.stack([by_utterance[name] for name in development.validation.ids])


def n_train(development: Development) -> int:
    """Return how many utterances a training learns from: of several folds, the mean."""
    return round(statistics.fmean(len(fold.train) for fold in development.folds))
