"""What predictions are worth, how sure that is, and how two models compare. Pure functions."""

from emotion_hpo.metrics.calibration import brier, calibration_error, reliability
from emotion_hpo.metrics.comparison import Comparison, compare, mcnemar
from emotion_hpo.metrics.intervals import Interval, fold_interval, interval
from emotion_hpo.metrics.scores import (
    STATISTICS,
    Labels,
    Statistic,
    accuracy,
    confusion,
    figures,
    macro_f1,
    recall_by_class,
    uar,
)
from emotion_hpo.metrics.winner import Expected, Fold, Run, expected_score

__all__ = [
    "STATISTICS",
    "Comparison",
    "Expected",
    "Fold",
    "Interval",
    "Labels",
    "Run",
    "Statistic",
    "accuracy",
    "brier",
    "calibration_error",
    "compare",
    "confusion",
    "expected_score",
    "figures",
    "fold_interval",
    "interval",
    "macro_f1",
    "mcnemar",
    "recall_by_class",
    "reliability",
    "uar",
]
