"""A final result as `result.json` has it."""

from emotion_hpo.metrics import Interval


def span(low, high):
    """An interval as `result.json` has it."""
    return Interval((low + high) / 2, low, high).as_json()


RESULT = {
    "study": "quick",
    "trial": "trial_3",
    "synthetic": True,
    "epochs": 4,
    "n_train": 3838,
    "n_test": 1098,
    "seeds": [0, 1],
    "test_session": "5",
    "test_speakers": ["Ses05_F", "Ses05_M"],
    "accuracy": 0.7,
    "accuracy_interval": span(0.66, 0.74),
    "uar": 0.71,
    "uar_interval": span(0.67, 0.75),
    "macro_f1": 0.69,
    "macro_f1_interval": span(0.65, 0.73),
    "recall_by_class": {
        "ang": {
            "recall": 0.8,
            "interval": Interval(0.8, 0.7, 0.9, method="exact").as_json(),
            "n": 170,
        },
        "fea": {
            "recall": None,
            "interval": Interval.not_estimable("no utterance").as_json(),
            "n": 0,
        },
    },
    "baseline": {
        "parts": ["text", "speech"],
        "accuracy": 0.65,
        "accuracy_interval": span(0.6, 0.7),
        "uar": 0.64,
        "uar_interval": span(0.59, 0.69),
        "gain": {
            "accuracy": {
                "difference": 0.05,
                "interval": Interval(0.05, 0.01, 0.09).as_json(),
                "mcnemar_p": 0.0123,
            },
        },
    },
    "default": None,
    "calibration": {"ece": 0.041, "brier": 0.4321, "reliability": []},
    "accuracy_mean": 0.69,
    "accuracy_spread": 0.011,
    "by": {
        "wears_markers": {
            "yes": {
                "n": 500,
                "accuracy": 0.72,
                "accuracy_interval": span(0.68, 0.76),
                "uar": 0.7,
            }
        },
    },
    "without": {
        "text": {"accuracy": 0.55, "uar": 0.5, "accuracy_interval": span(0.5, 0.6)},
    },
    "modalities": ["speech", "text", "video"],
    "validation": {"objective": "val/accuracy", "value": 0.7},
    "normalised_by_speaker": [],
    "expected": {
        "value": 0.68,
        "interval": Interval(0.68, 0.64, 0.72, 0.9, "choice repeated").as_json(),
        "holds_for": "new speakers",
        "test": 0.7,
        "is_inside": True,
    },
    "cost": {
        "n_networks": 2,
        "n_parameters": 12_952,
        "latency_ms": 3.14159,
        "n_threads": 1,
        "device": "cpu",
        "n_timed": 50,
    },
    "paper_protocol": None,
    "n_dialogues": 31,
    "n_scorings": 1,
    "scorings": [],
    "scorings_spread": None,
    "overlaps": [],
}
