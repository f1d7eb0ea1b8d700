"""The baseline of a study: fitted and judged on the folds of a trial, stored once.

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
from emotion_hpo.study import StudyHome, read_baseline, write_bytes, write_json


def baseline_of(
    home: StudyHome, development: Development, modalities: tuple[str, ...]
) -> Mapping[str, Any]:
    """What the baseline reaches, from the study's home or, the first time, fitted.

    Returns:
        Its `parts`, its figures on `validation` (means over the folds), and those of each part
        alone in `by_part`.

    Raises:
        StudyError: What is stored cannot be read.
    """
    if home.baseline.exists():
        return read_baseline(home.baseline)
    from emotion_hpo.models.baseline import parts_of  # scikit-learn: a second, once a study

    parts = parts_of(modalities)
    figures, probabilities = _judged(development, parts)
    alone = {part: _judged(development, (part,))[0] for part in parts} if len(parts) > 1 else {}
    found = {
        "model": "logistic regression",
        "parts": list(parts),
        "n_train": n_train(development),
        "validation": figures,
        "by_part": alone or {parts[0]: figures},
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
    write_json(home.baseline, found)
    return found


def _judged(
    development: Development, parts: tuple[str, ...]
) -> tuple[dict[str, float], NDArray[np.float32]]:
    from emotion_hpo.models.baseline import Baseline

    by_fold: list[dict[str, float]] = []
    answers: dict[str, NDArray[np.float32]] = {}
    for fold in development.folds:
        rows = Baseline.fit(fold.train, parts).probabilities(fold.validation)
        by_fold.append(score_all(fold.validation.labels, rows))
        answers |= dict(zip(fold.validation.ids, rows, strict=True))
    figures = {name: statistics.fmean(one[name] for one in by_fold) for name in by_fold[0]}
    return figures, np.stack([answers[one] for one in development.validation.ids])


def n_train(development: Development) -> int:
    """Utterances that a training learns from: of several folds, the mean."""
    return round(statistics.fmean(len(fold.train) for fold in development.folds))
