"""Studies made of files alone, by the writers that searches use: of any size, in no time."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_hpo import metrics
from emotion_hpo.config import Range, SearchConfig, dump, with_value
from emotion_hpo.runtime.contents import Content
from emotion_hpo.study import (
    Epoch,
    StudyHome,
    Trial,
    TrialState,
    study_file,
    write_bytes,
    write_yaml,
)
from emotion_hpo.study.curves import write_curve
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.ledger import Looker
from emotion_hpo.study.trials import write_trial
from tests.pipeline import compose_config
from tests.records import (
    baseline,
    candidate,
    expected,
    expected_ensemble,
    final_result,
    gains,
    scores,
    search_summary,
    selection,
    span,
)

CLASSES = ("ang", "exc", "neu", "sad")

N_VALIDATION = 120

#: What their final models are scored on.
HOLDOUT = Content(({"words": "twin/5"},))

#: Random search without pruning, the arm whose expected best can be told.
RANDOM = ("sampler=random", "pruner=none")

#: Scores on a part of the test.
PART = {"n": 100, **{name: value for name, value in scores(0.7).items()
                     if name.startswith(("accuracy", "uar"))}}  # fmt: skip


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
        params = {path: _draw(range_, generator) for path, range_ in config.space.items()}
        n_epochs = config.training.epochs if number % 3 != 1 else 2
        level = 0.7 - params.get("model.dropout", 0.0) / 2 + generator.normal(0, 0.005)
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


def _draw(range_: Range, generator: np.random.Generator) -> object:
    if range_.choices is not None:
        return range_.choices[int(generator.integers(len(range_.choices)))]
    if range_.is_integer:
        return int(generator.integers(range_.low, range_.high + 1))
    return float(generator.uniform(range_.low, range_.high))


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
        write_curve(folder, trial.curve)
        plain = dump(config.experiment())
        for path, value in trial.params.items():
            plain = with_value(plain, path, value)
        write_yaml(folder.config, plain)
        if trial.value is None:
            continue
        cost = Cost(
            n_parameters=2_000_000 + 1000 * trial.number, latency_ms=4 + trial.number / 100,
            n_threads=1, device="cpu", n_timed=50,
        )  # fmt: skip
        write_record(folder.cost, cost)
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
    write_record(home.baseline, baseline())


def write_final(home: StudyHome, number: int = 0, seed: int = 0, *, synthetic: bool = True) -> None:
    """Score a made-up model on a made-up session, and write that down in the ledger."""
    generator = np.random.default_rng(seed)
    n = 200
    labels = np.random.default_rng(9).integers(0, 4, n)
    predicted = np.where(generator.random(n) < 0.7, labels, generator.integers(0, 4, n))
    counts = metrics.confusion(labels, predicted, 4)
    recalls = metrics.recall_by_class(counts)
    ledger = Ledger(home.ledger)
    looker = Looker(study=home.name, trial=f"trial_{number}", config="c", commit="0123")
    model = f"model_{home.name}_{number}"
    opening = ledger.open(HOLDOUT, model, looker, rescore=True)
    probabilities = 0.1 + 0.6 * np.eye(4)[predicted]
    figures = {}
    for name, value in metrics.score_all(labels, probabilities).items():
        figures[name] = value
        figures[f"{name}_interval"] = span(0.6, 0.8) | {"estimate": value}
    result = final_result(
        **figures, study=home.name, trial=f"trial_{number}", synthetic=synthetic, n_test=n,
        recall_by_class={
            name: {"recall": float(recalls[index]), "interval": span(0.6, 0.9, method="exact"),
                   "n": int(counts[index].sum())}
            for index, name in enumerate(CLASSES)
        },
        confusion={"classes": list(CLASSES), "counts": counts.tolist()},
        baseline={"parts": ["text", "speech"], "gain": gains(), **figures},
        by={"speaker": dict.fromkeys(("Ses05F", "Ses05M"), PART)},
        opening=opening.name, model=model,
    )  # fmt: skip
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
    write_record(folder.result, result)
    ledger.score(*opening, figures["accuracy"])


def confirm(home: StudyHome, trials: list[Trial]) -> None:
    """Add what the confirmation of the leaders and the honest final leave in the files."""
    candidates = [
        candidate(trial.name, values=[trial.value - 0.02, trial.value - 0.04],
                  mean=trial.value - 0.03)
        for trial in trials if trial.value is not None
    ]  # fmt: skip
    confirmed = {
        "value": 0.63, "interval": span(0.6, 0.66, "choice repeated"), "optimism": 0.01
    }  # fmt: skip
    leader = candidates[0]
    write_record(
        home.selection,
        selection(
            winner=leader["trial"], value=leader["mean"], expected=confirmed, candidates=candidates
        ),
    )
    ensemble = expected_ensemble()
    write_record(home.summary, search_summary(n_validation=N_VALIDATION, ensemble=ensemble))
    (path,) = home.path.glob("final/*/result.json")
    names = ("accuracy", "accuracy_interval", "uar", "uar_interval")
    half = {name: value for name, value in scores(0.5).items() if name in names}
    around = {name: expected()[name] for name in ("winner", "holds_for", "value", "interval")}
    rewrite_result(
        path,
        default={"trial": "trial_1", "gain": gains(), **scores(0.6)},
        without={"speech": {**half, "loss_of_accuracy": gains()["accuracy"]}},
        by={"scenario": dict.fromkeys(("improvised", "scripted"), PART)},
        expected={**around, "test": 0.7, "is_inside": False},
    )


def rewrite_result(path: Path, **changes: Any) -> None:
    """Change parts of a stored result."""
    stored = read_record(path, FinalResult).to_json()
    write_record(path, FinalResult.from_json(stored | changes))
