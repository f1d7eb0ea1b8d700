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
    answers = by_seed.mean(0)
    predicted = answers.argmax(1)
    counts = metrics.confusion(labels, predicted, len(classes))
    accuracy = metrics.METRICS["accuracy"]
    single = [accuracy.score(labels, probabilities) for probabilities in by_seed]
    with_intervals = [_with_interval(name, test, answers) for name in metrics.METRICS]
    return {
        **{name: value for scored in with_intervals for name, value in scored.items()},
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
    metric: str,
    test: Utterances,
    predicted: NDArray[np.int64] | Probabilities,
    rows: NDArray[np.bool_] | None,
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
    predicted: NDArray[np.int64] | Probabilities,
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
            {"confidence": one.confidence, "accuracy": one.accuracy, "n": one.n}
            for one in metrics.reliability(labels, probabilities)
        ],
    }


def reference(
    test: Utterances, answers: Probabilities, other_by_seed: Probabilities
) -> dict[str, Any]:
    """Another model's figures on the same utterances, and by how much `answers` are better."""
    found = scores(test, other_by_seed)
    names = [name for metric in metrics.METRICS for name in (metric, f"{metric}_interval")]
    return {name: found[name] for name in names} | {
        "gain": {
            metric: _gain(test, answers, other_by_seed.mean(0), metric)
            for metric in metrics.METRICS
        }
    }


def _gain(
    test: Utterances, answers: Probabilities, other: Probabilities, metric: str
) -> dict[str, Any]:
    """By how much a model is better than another; of a loss, by how much lower its value is."""
    is_score = metrics.METRICS[metric].greater_is_better
    found = metrics.compare(
        test.labels,
        answers if is_score else other,
        other if is_score else answers,
        list(test.table["dialogue"]),
        len(test.classes),
        metric=metric,
    )
    gain: dict[str, Any] = {"difference": found.difference, "interval": found.interval.as_json()}
    if metric == "accuracy":  # McNemar's test is about single answers
        gain |= {
            "n_only_this": found.n_first,
            "n_only_other": found.n_second,
            "mcnemar_p": found.p_value,
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
            here = batch.rows.numpy()[batch.modalities[modality].present.numpy()]
            names[here] = [f"{one}+{modality}" if one else modality for one in names[here]]
    names[names == ""] = "none"
    return {str(name): names == name for name in sorted(set(names))}


def _by_transcript(test: Utterances, train: Utterances) -> Groups:
    """Scripted plays repeat: whether an utterance's very words occur in training."""
    if test.table["transcript"].isna().all():
        return {}
    known = {tuple(tokenise(one)) for one in train.table["transcript"].dropna()}
    seen = np.array([
        isinstance(one, str) and tuple(tokenise(one)) in known for one in test.table["transcript"]
    ])  # fmt: skip
    groups = {"yes": seen, "no": ~seen}
    return {name: rows for name, rows in groups.items() if rows.any()}


def without_each(
    test: Utterances, answers_of: Callable[[Utterances], Probabilities], modalities: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Figures with each modality removed in turn; nothing for a model that has but one."""
    if len(modalities) < 2:
        return {}
    whole = answers_of(test).mean(0)
    found = {}
    for modality in modalities:
        left = answers_of(test.without(modality)).mean(0)
        found[modality] = {
            **_with_interval("accuracy", test, left.argmax(1)),
            **_with_interval("uar", test, left.argmax(1)),
            "loss_of_accuracy": _gain(test, whole, left, "accuracy"),
        }
    return found


def normalised_by_speaker(bundles: Sequence[SavedModel]) -> list[str]:
    """Modalities whose scale is each speaker's own, taken from unlabelled test utterances."""
    readers = [pair for one in bundles for pair in one.preprocessor.readers.items()]
    return sorted({name for name, reader in readers if reader.by_speaker})
