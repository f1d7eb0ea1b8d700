"""The models that a final model is compared with, on the same utterances, in pairs."""

import numpy as np

from emotion_hpo.config import NetworkModel
from emotion_hpo.config.auto import resolved
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.evaluation import Probabilities, measure_gains, measure_scores
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.study.records.final_result import (
    BaselineComparison,
    DefaultComparison,
    LoneComparison,
)


def compare_baseline(
    baseline: SavedModel, test: Utterances, answers: Probabilities
) -> BaselineComparison:
    """Return a baseline's scores on the test, and the model's gain over it."""
    other = _mean_answers(baseline, test)
    return BaselineComparison(
        **dict(measure_scores(test, other)),
        parts=baseline.preprocessor.modalities,
        gain=measure_gains(test, answers, other),
    )


def compare_default(
    default: tuple[str, SavedModel] | None, test: Utterances, answers: Probabilities
) -> DefaultComparison | None:
    """Return the default configuration's scores and the gain over it; None without it."""
    if default is None:
        return None
    trial, saved_model = default
    other = _mean_answers(saved_model, test)
    return DefaultComparison(
        **dict(measure_scores(test, other)),
        trial=trial,
        gain=measure_gains(test, answers, other),
    )


def compare_lone(
    lone: SavedModel | None, test: Utterances, answers: Probabilities
) -> LoneComparison | None:
    """Return the scores without context and the gain over them; None where there is no such."""
    if lone is None:
        return None
    config, other = lone.config, _mean_answers(lone, test)
    is_network = isinstance(config.model, NetworkModel)
    return LoneComparison(
        **dict(measure_scores(test, other)),
        batch_size=resolved(config.training.batch_size) if is_network else None,
        gain=measure_gains(test, answers, other),
    )


def _mean_answers(saved_model: SavedModel, test: Utterances) -> Probabilities:
    """Return a model's probabilities `(n, classes)`, averaged over its seeds."""
    by_seed = saved_model.probabilities(saved_model.preprocessor.transform(test))
    return np.asarray(by_seed.mean(0))
