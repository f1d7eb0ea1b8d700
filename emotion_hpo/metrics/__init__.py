"""What predictions are worth, how sure that is, and how two models compare. Pure functions."""

from emotion_hpo.metrics.calibration import brier, calibration_error, reliability
from emotion_hpo.metrics.comparison import Comparison, compare, mcnemar
from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.metrics.corrected_score import CorrectedScore
from emotion_hpo.metrics.ensemble_score import correct_ensemble_score
from emotion_hpo.metrics.intervals import fold_interval, interval
from emotion_hpo.metrics.registry import METRICS, OBJECTIVES, Metric, find_metric, score_all
from emotion_hpo.metrics.repeated_choice import Run, ValidationLabels
from emotion_hpo.metrics.scores import Labels, confusion, recall_by_class
from emotion_hpo.metrics.winner import correct_winner_score

__all__ = [
    "METRICS",
    "OBJECTIVES",
    "Comparison",
    "CorrectedScore",
    "Interval",
    "Labels",
    "Metric",
    "Run",
    "ValidationLabels",
    "brier",
    "calibration_error",
    "compare",
    "confusion",
    "correct_ensemble_score",
    "correct_winner_score",
    "find_metric",
    "fold_interval",
    "interval",
    "mcnemar",
    "recall_by_class",
    "reliability",
    "score_all",
]
