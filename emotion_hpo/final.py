"""`final`: retrain a trial on train + validation, open the holdout once, write down what came out.

The only module that unseals a holdout. The order matters: the model is trained and stored, then the
ledger says that the holdout is opened, then it is read and scored, and when everything is written
the ledger gets the figure. What is cut off in between is taken up where it was, by the same
command.
"""

import contextlib
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo import metrics, study_file
from emotion_hpo.bundle import Bundle, trained_network
from emotion_hpo.config import ExperimentConfig, fingerprint
from emotion_hpo.dataset import Inputs
from emotion_hpo.errors import StudyError
from emotion_hpo.ledger import Ledger
from emotion_hpo.models import build_network, keep_freed_memory
from emotion_hpo.models.baseline import Baseline, parts_of
from emotion_hpo.preparation import OnProgress, prepare_features
from emotion_hpo.records import (
    Epoch,
    FinalHome,
    StudyHome,
    Trial,
    write_bytes,
    write_json,
)
from emotion_hpo.seeds import derive
from emotion_hpo.splits import Development, Utterances, split
from emotion_hpo.training import Evaluation, fit
from emotion_hpo.trials import find, read_trials

#: Seed index, epoch, epochs in all: what a screen shows while the model is retrained.
OnRetraining = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What is to be retrained, and how long.

    Attributes:
        trial: The trial that was chosen.
        config: Its configuration.
        epochs: Passes over the data: those that validation found best.
        seeds: One training each.
    """

    trial: Trial
    config: ExperimentConfig
    epochs: int
    seeds: tuple[int, ...]

    @property
    def identity(self) -> str:
        """Changes whenever the model would."""
        return fingerprint(
            {
                "config": fingerprint(self.config),
                "trial": self.trial.number,
                "epochs": self.epochs,
                "seeds": list(self.seeds),
            }
        )


def final(
    home: StudyHome,
    wanted: str | int | None,
    *,
    rescore: bool,
    on_features: OnProgress,
    on_retraining: OnRetraining,
) -> dict[str, Any]:
    """Retrain a trial and score the holdout.

    Args:
        home: The study.
        wanted: `trial_42`, `42`, or None for the best.
        rescore: Score a holdout again that has been scored.
        on_features: Shows the preparation of features.
        on_retraining: Shows the retraining.

    Returns:
        What `result.json` holds.

    Raises:
        StudyError: No such study or trial, or the corpus is not the one that was searched on.
        HoldoutError: The holdout has been scored before.
    """
    began = time.monotonic()
    stored = study_file.read(home)
    plan = plan_of(home, stored, wanted)
    store = prepare_features(stored.config, home.features, on_features)
    development, holdout = split(store, stored.config.split)
    study_file.check_shards(stored, store.keys, store.corpus_name)
    ledger = Ledger(home.ledger)
    ledger.check(holdout.key, plan.identity, rescore=rescore)
    folder = home.final(plan.trial.number)
    bundle = _retrained(plan, folder, development, on_retraining)
    baseline = Baseline.fit(development.everything, parts_of(store.modalities))

    facts = {
        "study": home.name,
        "trial": plan.trial.name,
        "config": fingerprint(plan.config),
        "commit": study_file.commit(),
    }
    opening = ledger.open(holdout.key, plan.identity, facts, rescore=rescore)
    test = holdout.unseal()
    by_seed = bundle.probabilities(bundle.inputs.read(test))
    figures = scores(test, by_seed)
    result = {
        "study": home.name,
        "trial": plan.trial.name,
        "corpus": store.corpus_name,
        "synthetic": store.synthetic,
        "n_train": len(development.everything),
        "n_test": len(test),
        "epochs": plan.epochs,
        "seeds": list(plan.seeds),
        "validation": {"objective": stored.config.study.objective, "value": plan.trial.value},
        **figures,
        "baseline": _baseline_scores(test, baseline),
        "test_session": holdout.session,
        "test_speakers": sorted(test.table["speaker"].unique()),
        "n_scorings": len(ledger.openings(holdout.key)),
        "opening": opening,
        "model": plan.identity,
        "seconds": time.monotonic() - began,
    }
    _write(folder, test, by_seed.mean(0), result)
    ledger.score(holdout.key, opening, figures["accuracy"])
    return result


def plan_of(home: StudyHome, stored: study_file.StudyFile, wanted: str | int | None) -> Plan:
    """What a command asks to be retrained."""
    trial = find(read_trials(home), wanted, stored.config.study.objective)
    assert trial.best_epoch is not None
    config = study_file.trial_config(home, trial.number)
    if trial.seed is None:
        raise StudyError(f"{home.trial(trial.number).record} names no seed; search anew")
    return Plan(trial, config, trial.best_epoch, stored.config.study.final_seeds)


def _retrained(
    plan: Plan, folder: FinalHome, development: Development, on_retraining: OnRetraining
) -> Bundle:
    """Train every seed's network, or take the model that an earlier call has stored."""
    if folder.plan.exists() and folder.plan.read_text() == plan.identity:
        with contextlib.suppress(StudyError):  # broken or gone: it is trained again
            return Bundle.load(folder.model)
    inputs = Inputs.fit(
        development.everything, plan.config.features, tuple(plan.config.model.encoders)
    )
    train = inputs.read(development.everything)
    classes = development.everything.classes
    keep_freed_memory()
    states = []
    for index, seed in enumerate(plan.seeds):
        drawn = derive(seed, "final", plan.trial.number)
        network = build_network(plan.config.model, inputs.shapes(), len(classes), seed=drawn)

        def on_epoch(
            epoch: Epoch, _evaluation: Evaluation | None, _checkpoint: object, index: int = index
        ) -> bool:
            on_retraining(index, epoch.epoch, plan.epochs)
            return epoch.epoch >= plan.epochs

        on_retraining(index, 0, plan.epochs)
        fit(network, train, None, plan.config.training, drawn, on_epoch)
        states.append(trained_network(network))
    bundle = Bundle(plan.config, inputs, classes, tuple(states))
    bundle.save(folder.model)
    write_bytes(folder.plan, plan.identity.encode())
    return bundle


def scores(test: Utterances, by_seed: NDArray[np.float32]) -> dict[str, Any]:
    """Figures of the averaged model, with 95 % intervals, and of each seed's network.

    Args:
        test: The utterances.
        by_seed: Probabilities `(seeds, n, classes)`.
    """
    labels, classes = test.labels, test.classes
    predicted = by_seed.mean(0).argmax(1)
    counts = metrics.confusion(labels, predicted, len(classes))
    dialogues = list(test.table["dialogue"])

    def interval(statistic: Callable[[NDArray[np.int64]], float]) -> list[float]:
        found = metrics.dialogue_interval(statistic, labels, predicted, dialogues, len(classes))
        return [found.low, found.high]

    single = [
        metrics.accuracy(metrics.confusion(labels, one.argmax(1), len(classes))) for one in by_seed
    ]
    recalls = metrics.recall_by_class(counts)
    recall_intervals = [
        metrics.recall_interval(index, labels, predicted, dialogues, len(classes))
        for index in range(len(classes))
    ]
    return {
        "accuracy": metrics.accuracy(counts),
        "accuracy_interval": interval(metrics.accuracy),
        "uar": metrics.uar(counts),
        "uar_interval": interval(metrics.uar),
        "macro_f1": metrics.macro_f1(counts),
        "macro_f1_interval": interval(metrics.macro_f1),
        "recall_by_class": {
            name: {
                "recall": float(recalls[index]),
                "interval": [recall_intervals[index].low, recall_intervals[index].high],
                "by_utterance": recall_intervals[index].by_utterance,
                "n": int(counts[index].sum()),
            }
            for index, name in enumerate(classes)
        },
        "confusion": {"classes": list(classes), "counts": counts.tolist()},
        "accuracy_by_seed": single,
        "accuracy_spread": float(np.std(single, ddof=1)) if len(single) > 1 else None,
        "n_dialogues": len(set(dialogues)),
    }


def _baseline_scores(test: Utterances, baseline: Baseline) -> dict[str, Any]:
    """The plain model's figures on the same utterances, by the same opening."""
    found = scores(test, baseline.probabilities(test)[None])
    names = ("accuracy", "accuracy_interval", "uar", "uar_interval", "macro_f1")
    return {"parts": list(baseline.parts)} | {name: found[name] for name in names}


def _write(
    folder: FinalHome,
    test: Utterances,
    probabilities: NDArray[np.float32],
    result: Mapping[str, Any],
) -> None:
    table = test.table[["utterance_id", "dialogue", "speaker", "emotion"]].copy()
    table["predicted"] = [test.classes[index] for index in probabilities.argmax(1)]
    for index, name in enumerate(test.classes):
        table[f"p_{name}"] = probabilities[:, index]
    write_bytes(folder.predictions, table.to_csv(index=False).encode())
    write_bytes(folder.confusion, confusion_picture(result))
    write_json(folder.result, result)


def confusion_picture(result: Mapping[str, Any]) -> bytes:
    """The confusion matrix as a PNG: recall by colour, counts in words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    classes = result["confusion"]["classes"]
    counts = np.array(result["confusion"]["counts"])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(5.2, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="cividis")  # readable without colour vision
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted emotion")
    axes.set_ylabel("true emotion")
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] < 0.5 else "black"
        words = f"{counts[row, column]}\n{100 * shares[row, column]:.0f} %"
        axes.text(column, row, words, ha="center", va="center", color=colour, fontsize=9)
    figure.colorbar(image, label="share of the true class")
    mark = "synthetic data, " if result["synthetic"] else ""
    axes.set_title(
        f"{result['trial']}, session {result['test_session']}: {mark}{result['n_test']} utterances",
        fontsize=10,
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150, format="png")
    return buffer.getvalue()
