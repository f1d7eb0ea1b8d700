"""Where a model is good: scores on parts of the test, and without each modality."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.turns_read import TurnsRead
from emotion_hpo.dataset.batches import Reads
from emotion_hpo.dataset.dialogues import number_turns
from emotion_hpo.features.extraction import source_of
from emotion_hpo.features.origin import Origin, ReadyMade
from emotion_hpo.features.text import tokenise
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.evaluation import Probabilities, measure, measure_accuracy_gain
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.study.records.final_result import LayerWeights, PartScores, Without

#: Which utterances of a test belong together, by name.
Groups = Mapping[str, NDArray[np.bool_]]


def break_down(
    test: Utterances, train: Utterances, saved_models: Sequence[SavedModel], answers: Probabilities
) -> dict[str, dict[str, PartScores]]:
    """Return the scores of parts of the test: kind of part → its name → scores.

    Args:
        test: The utterances.
        train: What the model was trained on.
        saved_models: The model's members.
        answers: The model's probabilities `(n, classes)`.
    """
    reads_turns = any(saved_model.config.has_context for saved_model in saved_models)
    kinds = {
        "scenario": _by_column(test, "scenario"),
        "speaker": _by_column(test, "speaker"),
        "wears_markers": _by_column(test, "wears_markers"),
        "modalities": _by_modalities(test, saved_models),
        "transcript_in_training": _by_transcript(test, train.turns if reads_turns else train),
    }
    if reads_turns:
        kinds["position"] = _by_position(test)
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


def _by_modalities(test: Utterances, saved_models: Sequence[SavedModel]) -> Groups:
    """Group by the sources of which a member sees anything."""
    is_seen: dict[str, NDArray[np.bool_]] = {}
    for saved_model in saved_models:
        present = saved_model.preprocessor.transform(test).presence()
        for source, views in group_by_source(saved_model.origins).items():
            of_source = is_seen.setdefault(source, np.zeros(len(test), np.bool_))
            is_seen[source] = np.any([of_source, *(present[view] for view in views)], axis=0)
    names = np.array(
        [
            "+".join(source for source in sorted(is_seen) if is_seen[source][row]) or "none"
            for row in range(len(test))
        ],
        object,
    )
    return {str(name): names == name for name in sorted(set(names))}


def group_by_source(origins: Mapping[str, Origin]) -> dict[str, tuple[str, ...]]:
    """Return what was recorded → the modalities made of it that a model reads, sorted.

    Args:
        origins: How each modality that it reads was made.
    """
    ready_made = [name for name, origin in origins.items() if isinstance(origin, ReadyMade)]
    sources: dict[str, tuple[str, ...]] = {}
    for modality in sorted(origins):
        source = source_of(modality, ready_made)
        sources[source] = (*sources.get(source, ()), modality)
    return dict(sorted(sources.items()))


def _by_transcript(test: Utterances, train: Utterances) -> Groups:
    """Group by whether an utterance's very words occur in training: scripted plays repeat.

    Args:
        test: The utterances.
        train: What the model has read: with a context, turns without a class, too.
    """
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


#: Numbers of turns, the first and the last, in which models know about as much of a dialogue.
_POSITIONS = {"first": (1, 1), "2-5": (2, 5), "6-10": (6, 10), "11-20": (11, 20)}


def _by_position(test: Utterances) -> Groups:
    """Group by the number of the turn in its dialogue, turns without a class counted."""
    numbers = number_turns(test)
    groups = {
        name: (first <= numbers) & (numbers <= last) for name, (first, last) in _POSITIONS.items()
    }
    groups["later"] = ~np.any(list(groups.values()), axis=0)
    return {name: rows for name, rows in groups.items() if rows.any()}


def remove_context(
    answers_with: Callable[[Reads], Probabilities], test: Utterances, turns_read: TurnsRead | None
) -> dict[Literal["past", "alone"], Without] | None:
    """Return the scores with the turns before alone, where later ones are read, and with none.

    Args:
        answers_with: How much of a dialogue is read → the model's probabilities
            `(seeds, n, classes)` of the test.
        test: The utterances.
        turns_read: What the model reads; of one that reads each utterance alone None is returned.
    """
    if turns_read is None:
        return None
    whole = answers_with("all").mean(0)
    less: tuple[Literal["past", "alone"], ...] = ("alone",)
    if turns_read == "both":
        less = ("past", "alone")
    return {reads: compare_with_less(test, whole, answers_with(reads).mean(0)) for reads in less}


def compare_with_less(test: Utterances, whole: Probabilities, answers: Probabilities) -> Without:
    """Return the scores of answers `(n, classes)` that are made of a part of what is read."""
    predicted = answers.argmax(1)
    return Without(
        **measure("accuracy", test, predicted),
        **measure("uar", test, predicted),
        loss_of_accuracy=measure_accuracy_gain(test, whole, answers),
    )


def remove_each_source(
    test: Utterances,
    answers_of: Callable[[Utterances], Probabilities],
    sources: Mapping[str, Sequence[str]],
) -> dict[str, Without]:
    """Return source → scores without all that is made of it; nothing for a model of but one.

    Args:
        test: The utterances.
        answers_of: The model: probabilities `(seeds, n, classes)` of utterances.
        sources: What was recorded → the modalities made of it that the model reads.
    """
    if len(sources) < 2:
        return {}
    whole = answers_of(test).mean(0)
    by_source = {}
    for source, modalities in sources.items():
        rest = functools.reduce(Utterances.without, modalities, test)
        by_source[source] = compare_with_less(test, whole, answers_of(rest).mean(0))
    return by_source


def layer_weights(saved_models: Sequence[SavedModel]) -> dict[str, LayerWeights]:
    """Return what networks weigh each layer of a pretrained model with, by modality."""
    weights: dict[str, list[tuple[float, ...]]] = {}
    layers: dict[str, tuple[int, ...]] = {}
    for saved_model in saved_models:
        for name, reader in saved_model.preprocessor.readers.items():
            for state in saved_model.networks:
                if (logits := state.get(f"encoders.{name}.layer_mix.logits")) is None:
                    continue
                weights.setdefault(name, []).append(tuple(logits.softmax(0).tolist()))
                numbers = saved_model.config.features.pretrained[name].layers
                every = tuple(range(reader.n_layers))
                layers[name] = every if isinstance(numbers, str) else numbers
    return {
        name: LayerWeights(layers=layers[name], weights=tuple(rows))
        for name, rows in weights.items()
    }


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
