"""What predictions are worth, how sure that is, and how two models compare. Pure functions."""

from emotion_hpo.metrics.calibration import brier, calibration_error, reliability
from emotion_hpo.metrics.comparison import Comparison, compare, mcnemar
from emotion_hpo.metrics.ensemble_score import expected_ensemble_score
from emotion_hpo.metrics.intervals import Interval, fold_interval, interval
from emotion_hpo.metrics.registry import METRICS, OBJECTIVES, Metric, find_metric, score_all
from emotion_hpo.metrics.repeated_choice import Expected, Run, ValidationLabels
from emotion_hpo.metrics.scores import Labels, confusion, recall_by_class
from emotion_hpo.metrics.winner import expected_score

__all__ = [
    "METRICS",
    "OBJECTIVES",
    "Comparison",
    "Expected",
    "Interval",
    "Labels",
    "Metric",
    "Run",
    "ValidationLabels",
    "brier",
    "calibration_error",
    "compare",
    "confusion",
    "expected_ensemble_score",
    "expected_score",
    "find_metric",
    "fold_interval",
    "interval",
    "mcnemar",
    "recall_by_class",
    "reliability",
    "score_all",
]
