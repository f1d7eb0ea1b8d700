"""Where a model is good: scores on parts of the test, and without each modality."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.features.text import tokenise
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.evaluation import Probabilities, measure, measure_accuracy_gain
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.study.records.final_result import PartScores, Without

#: Which utterances of a test belong together, by name.
Groups = Mapping[str, NDArray[np.bool_]]

#: Utterances that are looked through at once.
_BATCH = 64


def break_down(
    test: Utterances, train: Utterances, saved_model: SavedModel, answers: Probabilities
) -> dict[str, dict[str, PartScores]]:
    """Return the scores of parts of the test: kind of part → its name → scores.

    Args:
        test: The utterances.
        train: What the model was trained on.
        saved_model: The model, or its first member: it knows what it sees of an utterance.
        answers: The model's probabilities `(n, classes)`.
    """
    kinds = {
        "scenario": _by_column(test, "scenario"),
        "speaker": _by_column(test, "speaker"),
        "wears_markers": _by_column(test, "wears_markers"),
        "modalities": _by_modalities(test, saved_model),
        "transcript_in_training": _by_transcript(test, train),
    }
    predicted = answers.argmax(1)
    return {
        kind: {
            name: PartScores(
                n=int(rows.sum()),
                **measure("accuracy", test, predicted, rows),
                **measure("uar", test, predicted, rows),
            )
            for name, rows in groups.items()
        }
        for kind, groups in kinds.items()
        if groups
    }


def _by_column(test: Utterances, column: str) -> Groups:
    """Group by value; missing values are a group of their own, unless all are missing."""
    if column not in test.table or test.table[column].isna().all():
        return {}
    values = test.table[column]
    names = values.astype(object).where(values.notna(), "unknown").map(_format_value)
    return {str(name): (names == name).to_numpy(bool) for name in sorted(names.unique())}


def _format_value(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return str(value)


def _by_modalities(test: Utterances, saved_model: SavedModel) -> Groups:
    """Group by the modalities of which the network sees anything."""
    data = saved_model.preprocessor.transform(test)
    names = np.full(len(test), "", object)
    for batch in data.in_order(_BATCH):
        for modality in sorted(batch.modalities):
            rows = batch.rows.numpy()[batch.modalities[modality].present.numpy()]
            names[rows] = [f"{name}+{modality}" if name else modality for name in names[rows]]
    names[names == ""] = "none"
    return {str(name): names == name for name in sorted(set(names))}


def _by_transcript(test: Utterances, train: Utterances) -> Groups:
    """Group by whether an utterance's very words occur in training: scripted plays repeat."""
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


def remove_each_modality(
    test: Utterances, answers_of: Callable[[Utterances], Probabilities], modalities: Sequence[str]
) -> dict[str, Without]:
    """Return modality → scores without it; nothing for a model that has but one.

    Args:
        test: The utterances.
        answers_of: The model: probabilities `(seeds, n, classes)` of utterances.
        modalities: What the model reads.
    """
    if len(modalities) < 2:
        return {}
    whole = answers_of(test).mean(0)
    by_modality = {}
    for modality in modalities:
        answers = answers_of(test.without(modality)).mean(0)
        by_modality[modality] = Without(
            **measure("accuracy", test, answers.argmax(1)),
            **measure("uar", test, answers.argmax(1)),
            loss_of_accuracy=measure_accuracy_gain(test, whole, answers),
        )
    return by_modality


def normalised_by_speaker(saved_models: Sequence[SavedModel]) -> tuple[str, ...]:
    """Return the modalities whose scale is each speaker's own, from unlabelled test utterances."""
    return tuple(
        sorted(
            {
                name
                for saved_model in saved_models
                for name, reader in saved_model.preprocessor.readers.items()
                if reader.by_speaker
            }
        )
    )
