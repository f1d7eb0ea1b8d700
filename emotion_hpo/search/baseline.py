"""The baseline of a study: fitted on the training part, judged on the validation part, stored once.

It is no trial: it costs seconds, takes no slot, and no sampler hears of it. `search.json` and the
screen show it beside the best trial.
"""

import io
import json
from typing import Any

import numpy as np

from emotion_hpo import metrics
from emotion_hpo.models.baseline import Baseline, parts_of
from emotion_hpo.records import StudyHome, write_bytes, write_json
from emotion_hpo.splits import Development


def baseline_of(
    home: StudyHome, development: Development, modalities: tuple[str, ...]
) -> dict[str, Any]:
    """What the baseline reaches, from the study's home or, the first time, fitted.

    Returns:
        Its `parts`, its figures on `validation`, and those of each part alone in `by_part`.
    """
    if home.baseline.exists():
        stored: dict[str, Any] = json.loads(home.baseline.read_text())
        return stored
    parts = parts_of(modalities)
    figures, probabilities = _judged(development, parts)
    alone = {part: _judged(development, (part,))[0] for part in parts} if len(parts) > 1 else {}
    found = {
        "model": "logistic regression",
        "parts": list(parts),
        "n_train": len(development.train),
        "validation": figures,
        "by_part": alone or {parts[0]: figures},
    }
    validation = development.validation
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        utterance_id=np.array(validation.ids),
        label=validation.labels,
        probabilities=probabilities,
    )
    write_bytes(home.baseline_probabilities, buffer.getvalue())
    write_json(home.baseline, found)
    return found


def _judged(
    development: Development, parts: tuple[str, ...]
) -> tuple[dict[str, float], np.ndarray[Any, np.dtype[np.float32]]]:
    validation = development.validation
    answers = Baseline.fit(development.train, parts).probabilities(validation)
    return metrics.figures(validation.labels, answers), answers
