"""Whole records of a study, invented, for tests that change what they are about."""

from dataclasses import asdict
from typing import Any

from emotion_hpo.metrics import METRICS, Interval
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection

CLASSES = ("ang", "exc", "neu", "sad")


def span(low: float, high: float, method: str = "dialogues", **facts: Any) -> dict[str, Any]:
    """An interval as files have it, around its middle."""
    return asdict(Interval((low + high) / 2, low, high, method=method, **facts))


def scores(accuracy: float = 0.7) -> dict[str, Any]:
    """Scores of a model, all of them alike."""
    around = span(accuracy - 0.1, accuracy + 0.1)
    return dict.fromkeys(METRICS, accuracy) | {f"{name}_interval": around for name in METRICS}


def gains(difference: float = 0.1) -> dict[str, Any]:
    """Paired differences from another model."""
    around = span(difference - 0.08, difference + 0.08)
    gain = {"difference": difference, "interval": around}
    counts = {"n_only_this": 30, "n_only_other": 10, "mcnemar_p": 0.002}
    return dict.fromkeys(METRICS, gain) | {"accuracy": gain | counts}


def baseline(**changes: Any) -> Baseline:
    """What the plain model reaches."""
    validation = dict.fromkeys(METRICS, 0.45) | {"accuracy": 0.5, "loss": 1.0}
    content = {
        "model": "logistic regression", "parts": ["text", "speech"], "n_train": 400,
        "validation": validation, "by_part": {"text": validation, "speech": validation},
    }  # fmt: skip
    return Baseline.from_json(content | changes)


def candidate(trial: str = "trial_0", **changes: Any) -> dict[str, Any]:
    """A leader over fresh seeds."""
    return {
        "trial": trial, "is_default": False, "values": [0.6, 0.62], "mean": 0.61, "epochs": 5,
        "n_parameters": 2_000_000, "seconds": 12.0,
    } | changes  # fmt: skip


def selection(**changes: Any) -> Selection:
    """What the leaders reach over fresh seeds."""
    content = {
        "winner": "trial_0", "epochs": 5, "value": 0.61, "objective": "val/accuracy", "n_seeds": 2,
        "standard_error": 0.01, "candidates": [candidate()], "baseline": 0.5,
        "expected": {"value": 0.6, "interval": span(0.55, 0.65, "choice repeated"),
                     "optimism": 0.01},
    }  # fmt: skip
    return Selection.from_json(content | changes)


def expected(**changes: Any) -> dict[str, Any]:
    """What the best trial is expected to reach."""
    return {
        "value": 0.61, "interval": span(0.58, 0.64, "choice repeated"), "plain": 0.69,
        "optimism": 0.08, "winner": "trial_0", "holds_for": "new speakers",
        "speakers": ["Ses04F", "Ses04M"], "n_trials": 24, "n_folds": 1, "n_dialogues": 12,
        "sentence": "It holds for new speakers.",
    } | changes  # fmt: skip


def expected_ensemble(**changes: Any) -> dict[str, Any]:
    """What the ensemble is expected to reach."""
    members = [{"trial": "trial_0", "weight": 0.75}, {"trial": "trial_3", "weight": 0.25}]
    return {
        "value": 0.65, "interval": span(0.62, 0.68, "choice repeated"), "plain": 0.71,
        "optimism": 0.06, "members": members, "n_trials": 24,
    } | changes  # fmt: skip


def search_summary(**changes: Any) -> SearchSummary:
    """What a search came to."""
    content = {
        "study": "study", "corpus": "twin", "synthetic": True, "objective": "val/accuracy",
        "n_trials": 24, "n_finished": 24, "n_complete": 24, "n_pruned": 0, "n_failed": 0,
        "n_interrupted": 0, "n_folds": 1, "n_train": 400, "n_validation": 120, "n_epochs": 100,
        "best_trial": "trial_0", "best_value": 0.69, "best_epoch": 5,
        "best_params": {"model.dropout": 0.2}, "training_seconds": 10.0, "second_objective": None,
        "front": [], "class_remarks": [], "warm_start": None,
        "baseline": baseline().to_json(), "expected": expected(), "ensemble": None,
    }  # fmt: skip
    return SearchSummary.from_json(content | changes)


def of_context(turns_read: str = "both") -> dict[str, Any]:
    """What a final result says of a model that reads dialogues."""
    less = {name: value for name, value in scores(0.6).items()
            if name.startswith(("accuracy", "uar"))}  # fmt: skip
    less["loss_of_accuracy"] = gains(0.1)["accuracy"]
    part = {"n": 40, **{name: less[name] for name in less if name != "loss_of_accuracy"}}
    kinds = ("past", "alone") if turns_read == "both" else ("alone",)
    return {
        "turns_read": turns_read,
        "less_context": dict.fromkeys(kinds, less),
        "lone": {**scores(0.64), "batch_size": 16, "gain": gains(0.06)},
        "baseline_alone": {**scores(0.55), "parts": ["text", "speech"], "gain": gains(0.15)},
        "by": {"position": {"first": part, "2-5": part}},
    }


def final_result(**changes: Any) -> FinalResult:
    """What a final model reaches on a session of 200 utterances."""
    accuracy = changes.get("accuracy", 0.7)
    recall = {"recall": 0.75, "interval": span(0.6, 0.9, "exact"), "n": 50}
    content = {
        **scores(accuracy),
        "study": "study", "trial": "trial_0", "rule": "single", "corpus": "twin",
        "members": [{"trial": "trial_0", "epochs": 6, "weight": 1.0}], "synthetic": True,
        "n_train": 520, "n_test": 200, "n_dialogues": 20, "test_session": "5",
        "test_speakers": ["Ses05F", "Ses05M"], "epochs": 6, "seeds": [0, 1],
        "modalities": ["mocap", "speech", "text"],
        "validation": {"objective": "val/accuracy", "value": 0.69},
        "recall_by_class": dict.fromkeys(CLASSES, recall),
        "confusion": {"classes": list(CLASSES),
                      "counts": [[35 if row == column else 5 for column in range(4)]
                                 for row in range(4)]},
        "accuracy_by_seed": [0.69, 0.71], "accuracy_mean": 0.7, "accuracy_spread": 0.014,
        "calibration": {"ece": 0.08, "brier": 0.4,
                        "reliability": [{"confidence": 0.5, "accuracy": 0.45, "n": 90},
                                        {"confidence": 0.9, "accuracy": 0.8, "n": 110}]},
        "baseline": {**scores(0.6), "parts": ["text", "speech"], "gain": gains()},
        "default": None, "by": {}, "without": {}, "normalised_by_speaker": [], "expected": None,
        "cost": {"n_networks": 2, "n_parameters": 4_000_000, "latency_ms": 8.0, "n_threads": 1,
                 "device": "cpu", "n_timed": 50},
        "paper_protocol": None, "n_scorings": 1, "scorings": [], "scorings_spread": None,
        "overlaps": [], "opening": "opening_1", "model": "model", "seconds": 60.0,
        "scored_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    return FinalResult.from_json(content | changes)
