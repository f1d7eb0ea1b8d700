"""The figures of a test: how good, how sure of it, for whom, against what, and without what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_hpo import metrics
from emotion_hpo.features.text import tokenise
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.saved_model import SavedModel

Probabilities = NDArray[np.float32]

#: Which utterances of a test belong together, by name.
Groups = Mapping[str, NDArray[np.bool_]]


def scores(test: Utterances, by_seed: Probabilities) -> dict[str, Any]:
    """Figures of the averaged model, with 95 % intervals, and of each seed's network.

    Args:
        test: The utterances.
        by_seed: Probabilities `(seeds, n, classes)`.
    """
    labels, classes = test.labels, test.classes
    predicted = by_seed.mean(0).argmax(1)
    counts = metrics.confusion(labels, predicted, len(classes))
    single = [
        metrics.accuracy(metrics.confusion(labels, row.argmax(1), len(classes))) for row in by_seed
    ]
    return {
        **_with_interval("accuracy", test, predicted),
        **_with_interval("uar", test, predicted),
        **_with_interval("macro_f1", test, predicted),
        "recall_by_class": {
            name: _recall(test, predicted, index) for index, name in enumerate(classes)
        },
        "confusion": {"classes": list(classes), "counts": counts.tolist()},
        "accuracy_by_seed": single,
        "accuracy_mean": float(np.mean(single)),
        "accuracy_spread": float(np.std(single, ddof=1)) if len(single) > 1 else None,
        "n_dialogues": test.table["dialogue"].nunique(),
    }


def _interval(
    metric: str, test: Utterances, predicted: NDArray[np.int64], rows: NDArray[np.bool_] | None
) -> metrics.Interval:
    """Interval of a score of some utterances of the test, or of all."""
    chosen = np.ones(len(test), np.bool_) if rows is None else rows
    dialogues = test.table["dialogue"].to_numpy(str)[chosen].tolist()
    return metrics.interval(
        metric, test.labels[chosen], predicted[chosen], dialogues, len(test.classes)
    )


def _with_interval(
    metric: str,
    test: Utterances,
    predicted: NDArray[np.int64],
    rows: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """A score and its interval, by the names that `result.json` has for them."""
    interval = _interval(metric, test, predicted, rows)
    return {metric: interval.estimate, f"{metric}_interval": interval.as_json()}


def _recall(test: Utterances, predicted: NDArray[np.int64], label: int) -> dict[str, Any]:
    """The recall of a class: the accuracy on its utterances."""
    interval = _interval("accuracy", test, predicted, test.labels == label)
    return {
        "recall": interval.estimate,
        "interval": interval.as_json(),
        "n": interval.n_utterances,
    }


def calibration(labels: NDArray[np.int64], probabilities: Probabilities) -> dict[str, Any]:
    """Expected calibration error, Brier score and the bins of a reliability diagram."""
    return {
        "ece": metrics.calibration_error(labels, probabilities),
        "brier": metrics.brier(labels, probabilities),
        "reliability": [
            {"confidence": bin_.confidence, "accuracy": bin_.accuracy, "n": bin_.n}
            for bin_ in metrics.reliability(labels, probabilities)
        ],
    }


def reference(
    test: Utterances, answers: Probabilities, other_by_seed: Probabilities
) -> dict[str, Any]:
    """Another model's figures on the same utterances, and by how much `answers` are better."""
    metrics_of_other = scores(test, other_by_seed)
    shown = ("accuracy", "uar", "macro_f1")
    names = [name for metric in shown for name in (metric, f"{metric}_interval")]
    return {name: metrics_of_other[name] for name in names} | {
        "gain": {
            metric: _gain(test, answers, other_by_seed.mean(0), metric)
            for metric in ("accuracy", "uar")
        }
    }


def _gain(
    test: Utterances, answers: Probabilities, other: Probabilities, metric: str
) -> dict[str, Any]:
    comparison = metrics.compare(
        test.labels,
        answers.argmax(1),
        other.argmax(1),
        list(test.table["dialogue"]),
        len(test.classes),
        metric=metric,
    )
    gain: dict[str, Any] = {
        "difference": comparison.difference,
        "interval": comparison.interval.as_json(),
    }
    if metric == "accuracy":  # McNemar's test is about single answers
        gain |= {
            "n_only_this": comparison.n_first,
            "n_only_other": comparison.n_second,
            "mcnemar_p": comparison.p_value,
        }
    return gain


def breakdowns(
    test: Utterances, train: Utterances, saved_model: SavedModel, answers: Probabilities
) -> dict[str, dict[str, Any]]:
    """Figures of parts of the test: kind of part → its name → `n`, accuracy, UAR, intervals."""
    kinds = {
        "scenario": _by_column(test, "scenario"),
        "speaker": _by_column(test, "speaker"),
        "wears_markers": _by_column(test, "wears_markers"),
        "modalities": _by_modalities(test, saved_model),
        "transcript_in_training": _by_transcript(test, train),
    }
    predicted = answers.argmax(1)
    return {
        kind: {name: _part(test, predicted, rows) for name, rows in groups.items()}
        for kind, groups in kinds.items()
        if groups
    }


def _part(
    test: Utterances, predicted: NDArray[np.int64], rows: NDArray[np.bool_]
) -> dict[str, Any]:
    return {
        "n": int(rows.sum()),
        **_with_interval("accuracy", test, predicted, rows),
        **_with_interval("uar", test, predicted, rows),
    }


def _by_column(test: Utterances, column: str) -> Groups:
    """A group for each value; missing values are a group of their own, unless all are missing."""
    if column not in test.table or test.table[column].isna().all():
        return {}
    values = test.table[column]
    names = values.astype(object).where(values.notna(), "unknown").map(_word)
    return {str(name): (names == name).to_numpy(bool) for name in sorted(names.unique())}


def _word(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return str(value)


def _by_modalities(test: Utterances, saved_model: SavedModel) -> Groups:
    """By what the network found of each utterance."""
    data = saved_model.preprocessor.transform(test)
    names = np.full(len(test), "", object)
    for batch in data.in_order(64):
        for modality in sorted(batch.modalities):
            rows = batch.rows.numpy()[batch.modalities[modality].present.numpy()]
            names[rows] = [
                f"{previous}+{modality}" if previous else modality for previous in names[rows]
            ]
    names[names == ""] = "none"
    return {str(name): names == name for name in sorted(set(names))}


def _by_transcript(test: Utterances, train: Utterances) -> Groups:
    """Scripted plays repeat: whether an utterance's very words occur in training."""
    if test.table["transcript"].isna().all():
        return {}
    known = {tuple(tokenise(transcript)) for transcript in train.table["transcript"].dropna()}
    seen = np.array(
        [
            isinstance(transcript, str) and tuple(tokenise(transcript)) in known
            for transcript in test.table["transcript"]
        ]
    )
    groups = {"yes": seen, "no": ~seen}
    return {name: rows for name, rows in groups.items() if rows.any()}


def without_each(
    test: Utterances, answers_of: Callable[[Utterances], Probabilities], modalities: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Figures with each modality removed in turn; nothing for a model that has but one."""
    if len(modalities) < 2:
        return {}
    whole = answers_of(test).mean(0)
    by_modality = {}
    for modality in modalities:
        left = answers_of(test.without(modality)).mean(0)
        by_modality[modality] = {
            **_with_interval("accuracy", test, left.argmax(1)),
            **_with_interval("uar", test, left.argmax(1)),
            "loss_of_accuracy": _gain(test, whole, left, "accuracy"),
        }
    return by_modality


def normalised_by_speaker(saved_models: Sequence[SavedModel]) -> list[str]:
    """Modalities whose scale is each speaker's own, taken from unlabelled test utterances."""
    readers = [
        pair for saved_model in saved_models for pair in saved_model.preprocessor.readers.items()
    ]
    return sorted({name for name, reader in readers if reader.by_speaker})
