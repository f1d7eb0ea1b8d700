"""A final result, as a person is shown it."""

from dataclasses import asdict
from typing import Any

from emotion_hpo.metrics import Interval
from emotion_hpo.study.records.final_result import FinalResult
from tests.records import final_result, gains, scores, span

_ACCURACY = {"accuracy": 0.55, "accuracy_interval": span(0.5, 0.6)}
_UAR = {"uar": 0.5, "uar_interval": span(0.45, 0.55)}
_GAIN = {"difference": 0.05, "interval": span(0.01, 0.09), "n_only_this": 30, "n_only_other": 10,
         "mcnemar_p": 0.0123}  # fmt: skip

#: A recall of which something is known, and one of a class that the test lacks.
RECALL = {"recall": 0.8, "interval": span(0.7, 0.9, "exact"), "n": 170}
NO_RECALL = {"recall": None, "interval": asdict(Interval.not_estimable("no utterance")), "n": 0}

#: Scores on a part of the test, and of the model without a modality.
PART = {"n": 500, "accuracy": 0.72, "accuracy_interval": span(0.68, 0.76), **_UAR}
WITHOUT = {**_ACCURACY, **_UAR, "loss_of_accuracy": _GAIN}


def shown_result(**changes: Any) -> FinalResult:
    """A result with something in every place of which the screen tells."""
    content = {
        "study": "quick", "trial": "trial_3", "epochs": 4, "n_train": 3838, "n_test": 1098,
        "n_dialogues": 31, "test_speakers": ["Ses05_F", "Ses05_M"],
        "accuracy": 0.7, "accuracy_interval": span(0.66, 0.74),
        "uar": 0.71, "uar_interval": span(0.67, 0.75),
        "recall_by_class": {"ang": RECALL, "fea": NO_RECALL},
        "baseline": {**scores(0.65), "accuracy_interval": span(0.6, 0.7),
                     "parts": ["text", "speech"], "gain": gains() | {"accuracy": _GAIN}},
        "calibration": {"ece": 0.041, "brier": 0.4321, "reliability": []},
        "accuracy_mean": 0.69, "accuracy_spread": 0.011,
        "by": {"wears_markers": {"yes": PART, "no": PART}}, "without": {"text": WITHOUT},
        "modalities": ["speech", "text", "video"],
        "expected": {"winner": "trial_3", "holds_for": "new speakers", "value": 0.68,
                     "interval": span(0.64, 0.72, "choice repeated", level=0.9), "test": 0.7,
                     "is_inside": True},
        "cost": {"n_networks": 2, "n_parameters": 12_952, "latency_ms": 3.14159, "n_threads": 1,
                 "device": "cpu", "n_timed": 50},
    }  # fmt: skip
    return final_result(**content | changes)
