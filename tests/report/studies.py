"""Studies made of files alone, by the writers that searches use: of any size, in no time."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_hpo import metrics
from emotion_hpo.config import SearchConfig, dump, with_value
from emotion_hpo.runtime.contents import Content
from emotion_hpo.study import (
    Epoch,
    StudyHome,
    Trial,
    TrialState,
    study_file,
    write_bytes,
    write_json,
    write_yaml,
)
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.trials import write_trial
from tests.pipeline import compose_config

CLASSES = ("ang", "exc", "neu", "sad")

N_VALIDATION = 120

#: What their final models are scored on.
HOLDOUT = Content(({"words": "twin/5"},))

#: Random search without pruning, the arm whose expected best can be told.
RANDOM = ("sampler=random", "pruner=none")


def config_for(folder: Path, name: str, *overrides: str) -> SearchConfig:
    """A study of the real network's five ranges."""
    return compose_config(f"study.name={name}", f"study.directory={folder}", *overrides)


def begin(folder: Path, name: str = "study", *overrides: str, synthetic: bool = True) -> StudyHome:
    """A study with a record and nothing else."""
    home = StudyHome(folder, name)
    config = config_for(folder, name, *overrides)
    study_file.write_or_compare(home, config, {"1": "a" * 16, "4": "b" * 16}, synthetic=synthetic)
    return home


def trials(n: int, config: SearchConfig, seed: int = 0) -> Iterator[Trial]:
    """Trials of every state; the dropout decides what they reach, the rest is noise."""
    generator = np.random.default_rng(seed)
    for number in range(n):
        params = {
            path: float(generator.uniform(one.low, one.high))
            if not one.is_integer
            else int(generator.integers(one.low, one.high + 1))
            for path, one in config.space.items()
        }
        n_epochs = config.training.epochs if number % 3 != 1 else 2
        level = 0.7 - params["model.dropout"] / 2 + generator.normal(0, 0.005)
        curve = tuple(
            Epoch(
                epoch,
                {"train/loss": 1.5 / epoch, "val/loss": 1.2 / epoch, "val/uar": level,
                 "val/macro_f1": level, "val/accuracy": level - 0.1 / epoch},
                2.0,
                1e9 + 20 * number + 2 * epoch,
            )
            for epoch in range(1, n_epochs + 1)
        )  # fmt: skip
        yield Trial(
            number=number,
            state=TrialState.PRUNED if number % 3 == 1 else TrialState.COMPLETE,
            params=params,
            value=curve[-1].metrics["val/accuracy"],
            best_epoch=n_epochs,
            curve=curve,
            worker=f"worker_{number % 2}",
            seed=number,
            n_threads=1,
            started_at=1e9 + 20 * number,
            finished_at=1e9 + 20 * number + 2 * n_epochs,
        )


def failed(trial: Trial, reason: str = "train/loss is nan") -> Trial:
    """The same, failed before its first epoch ended."""
    return replace(
        trial, state=TrialState.FAILED, value=None, best_epoch=None, curve=(), reason=reason
    )


def write_all(home: StudyHome, config: SearchConfig, written: list[Trial]) -> None:
    """Store trials as a worker does."""
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 4, N_VALIDATION)
    for trial in written:
        folder = home.trial(trial.number)
        write_trial(home, trial)
        folder.write_curve(trial.curve)
        plain = dump(config.experiment())
        for path, value in trial.params.items():
            plain = with_value(plain, path, value)
        write_yaml(folder.config, plain)
        if trial.value is None:
            continue
        write_json(
            folder.cost,
            {"n_parameters": 2_000_000 + 1000 * trial.number, "latency_ms": 4 + trial.number / 100,
             "n_threads": 1, "device": "cpu", "n_timed": 50},
        )  # fmt: skip
        answers = generator.dirichlet(np.ones(4), N_VALIDATION).astype(np.float32)
        right = generator.random(N_VALIDATION) < trial.value
        answers[np.arange(N_VALIDATION), labels] += right
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            utterance_id=np.array([f"u{n:03d}" for n in range(N_VALIDATION)]),
            dialogue=np.array([f"d{n // 10:02d}" for n in range(N_VALIDATION)]),
            label=labels,
            probabilities=answers / answers.sum(1, keepdims=True),
        )
        write_bytes(folder.probabilities, buffer.getvalue())


def write_baseline(home: StudyHome) -> None:
    """What the plain model reaches."""
    figures = {"loss": 1.0, "accuracy": 0.5, "uar": 0.48, "macro_f1": 0.47, "weighted_f1": 0.49}
    figures["balanced_log_loss"] = 1.1
    write_json(
        home.baseline,
        {"model": "logistic regression", "parts": ["text", "speech"], "n_train": 400,
         "validation": figures, "by_part": {"text": figures, "speech": figures}},
    )  # fmt: skip


def span(low: float, high: float, method: str = "dialogues") -> dict[str, Any]:
    """An interval as files have it."""
    return metrics.Interval((low + high) / 2, low, high, method=method).as_json()


def write_final(home: StudyHome, number: int = 0, seed: int = 0, *, synthetic: bool = True) -> None:
    """Score a made-up model on a made-up session, and write that down in the ledger."""
    generator = np.random.default_rng(seed)
    n = 200
    labels = np.random.default_rng(9).integers(0, 4, n)
    predicted = np.where(generator.random(n) < 0.7, labels, generator.integers(0, 4, n))
    counts = metrics.confusion(labels, predicted, 4)
    recalls = metrics.recall_by_class(counts)
    ledger = Ledger(home.ledger)
    facts = {"study": home.name, "trial": f"trial_{number}", "config": "c", "commit": "0123"}
    facts["model"] = f"model_{home.name}_{number}"
    opening = ledger.open(HOLDOUT, facts["model"], facts, rescore=True)
    probabilities = 0.1 + 0.6 * np.eye(4)[predicted]
    figures = {}
    for name, value in metrics.score_all(labels, probabilities).items():
        figures[name] = value
        figures[f"{name}_interval"] = metrics.Interval(value, 0.6, 0.8).as_json()
    result = {
        "study": home.name, "trial": f"trial_{number}", "corpus": "twin", "synthetic": synthetic,
        "n_train": 520, "n_test": n, "epochs": 6, "seeds": [0, 1],
        "validation": {"objective": "val/accuracy", "value": 0.69}, **figures,
        "recall_by_class": {
            name: {"recall": float(recalls[index]), "interval": span(0.6, 0.9, method="exact"),
                   "n": int(counts[index].sum())}
            for index, name in enumerate(CLASSES)
        },
        "confusion": {"classes": list(CLASSES), "counts": counts.tolist()},
        "accuracy_by_seed": [0.69, 0.71], "accuracy_spread": 0.014, "n_dialogues": 20,
        "baseline": {"parts": ["text", "speech"], **figures},
        "test_session": "5", "test_speakers": ["Ses05F", "Ses05M"], "n_scorings": 1,
        "opening": opening.name, "model": facts["model"],
    }  # fmt: skip
    table = pd.DataFrame(
        {
            "utterance_id": [f"t{n:03d}" for n in range(n)],
            "dialogue": [f"td{n // 10:02d}" for n in range(n)],
            "speaker": ["Ses05F" if n % 2 else "Ses05M" for n in range(n)],
            "emotion": [CLASSES[one] for one in labels],
            "predicted": [CLASSES[one] for one in predicted],
        }
        | {f"p_{name}": probabilities[:, index] for index, name in enumerate(CLASSES)}
    )
    folder = home.final(number)
    write_bytes(folder.predictions, table.to_csv(index=False).encode())
    folder.result.write_text(json.dumps(result))
    ledger.score(*opening, figures["accuracy"])


def confirm(home: StudyHome, trials: list[Trial]) -> None:
    """Add what the confirmation of the leaders and the honest final leave in the files."""
    candidates = [
        {"trial": one.name, "is_default": False, "values": [one.value - 0.02, one.value - 0.04],
         "mean": one.value - 0.03, "epochs": 5, "n_parameters": 2_000_000, "seconds": 12.0}
        for one in trials if one.value is not None
    ]  # fmt: skip
    write_json(
        home.selection,
        {"winner": candidates[0]["trial"], "epochs": 5, "value": candidates[0]["mean"],
         "objective": "val/accuracy", "n_seeds": 2, "standard_error": 0.01,
         "expected": {"value": 0.63, "interval": span(0.6, 0.66, "choice repeated"),
                      "optimism": 0.01},
         "candidates": candidates},
    )  # fmt: skip
    expected = {
        "value": 0.61, "interval": span(0.58, 0.64, "choice repeated"), "plain": 0.69,
        "optimism": 0.08,
        "n_trials": 24, "sentence": "It holds for new speakers.",
    }  # fmt: skip
    write_json(home.summary, {"n_train": 400, "n_validation": N_VALIDATION, "expected": expected})
    (path,) = home.path.glob("final/*/result.json")
    gain = {"accuracy": {"difference": 0.1, "interval": span(0.02, 0.2)}}
    write_json(path, json.loads(path.read_text()) | {
        "default": {"trial": "trial_1", "accuracy": 0.6, "uar": 0.6, "gain": gain},
        "without": {"speech": {"accuracy": 0.5, "uar": 0.5, "loss_of_accuracy": gain["accuracy"]}},
        "by": {"scenario": {name: {"n": 100, "accuracy": 0.7, "accuracy_interval": span(0.6, 0.8),
                                   "uar": 0.7} for name in ("improvised", "scripted")}},
        "calibration": {"ece": 0.08, "brier": 0.4,
                        "reliability": [{"confidence": 0.5, "accuracy": 0.45, "n": 90},
                                        {"confidence": 0.9, "accuracy": 0.8, "n": 110}]},
        "expected": {**expected, "test": 0.7, "is_inside": False},
    })  # fmt: skip
