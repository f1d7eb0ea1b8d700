"""A configuration that leaves something to the corpus gets plain values.

In: the configuration as composed, and the development part. Out: the same without anything left
open, as `study.yaml` holds it, and a line for each decision. Whatever follows (workers, finals,
replays) sees the plain values alone. The same corpus gives the same values, so that the same
command continues a study.
"""

import statistics
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from emotion_hpo.config import NetworkModel, SearchConfig, build, dump
from emotion_hpo.config.features import TEXT, TEXT_FACTORS
from emotion_hpo.dataset.normalising import describe_speaker_scaling, resolve_normalise
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.extraction import source_of
from emotion_hpo.features.origin import SOURCES
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models.modalities import modalities_of, without_repetition
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.search.label_hints import describe_label_hints
from emotion_hpo.splits.parts import Development


def adapt(
    config: SearchConfig, store: FeatureStore, development: Development
) -> tuple[SearchConfig, list[str]]:
    """Return the configuration in plain values, and what was decided, a line each.

    Raises:
        ConfigError: The corpus has nothing that the model could read.
    """
    lines = []
    model = config.model
    if isinstance(model, NetworkModel) and model.reads == "corpus":
        config, names = _read_corpus(config, model, store, development)
        absent = sorted(_sources(store.modalities, store) - _sources(names, store))
        without = f", without {', '.join(absent)}" if absent else ": all that there is"
        lines.append(f"The model reads {', '.join(names)}{without}.")
    if config.may_read_dialogues and not development.everything.in_dialogues:
        lines.append(
            "The corpus tells no order of turns, so that every utterance is read alone, as if it "
            "had no dialogue (docs/corpora.md, Turns of dialogues)."
        )
        if isinstance(model, NetworkModel) and model.reads == "corpus":
            config = _leave_out_context(config)
    features = resolve_normalise(config.features, development.everything.table, store.ready_made)
    config = config.model_copy(update={"features": features})
    modalities = modalities_of(config.model, development.everything)
    lines += describe_speaker_scaling(features, config.space, modalities)
    if config.may_read_dialogues and development.everything.in_dialogues:
        lines += describe_label_hints(development.everything, modalities, store.ready_made)
    folds = development.folds
    n_train = round(statistics.fmean(len(fold.train) for fold in folds))
    n_turns = round(statistics.fmean(len(fold.train.turns) for fold in folds))
    config, line = resolve_budget(config, n_train, len(folds), n_turns)
    is_network = isinstance(config.model, NetworkModel)
    return config, [*lines, line] if line and is_network else lines


def _read_corpus(
    config: SearchConfig, network: NetworkModel, store: FeatureStore, development: Development
) -> tuple[SearchConfig, list[str]]:
    """Give the network an encoder for each modality of every training part; return both.

    A modality has the encoder that `model.encoders` names for it. A ready-made one that is not
    named there gets that of `model.vector` or `model.sequence`, and so do vectors, ready-made or a
    pretrained model's, in the place of what this program would extract as frames. With
    `model.frames: statistics`, frames are vectors. The space's ranges go with their encoders.

    Raises:
        ConfigError: There is no such modality.
    """
    plain, model = dump(config), dump(network)
    space = plain["space"]
    named = model["encoders"]
    encoders: dict[str, Any] = {}
    ranges = {path: range_ for path, range_ in space.items() if not _is_of_modality(path)}
    pretrained = config.features.pretrained
    n_frames = _count_frames(store, development, [*named, *pretrained])
    as_statistics = network.frames == "statistics"
    if as_statistics:
        names = without_repetition(n_frames, development.everything)
        n_frames = {name: n_frames[name] for name in names}
    for modality, n in n_frames.items():
        is_words = modality == TEXT and modality not in pretrained
        is_described = as_statistics and n > 1 and not is_words
        kind = "vector" if n == 1 or is_described else "sequence"
        is_own_vector = modality in pretrained or (
            modality in store.ready_made and modality in SOURCES
        )
        is_replaced = is_described or (n == 1 and is_own_vector)
        is_named = modality in named and not is_replaced
        encoders[modality] = named[modality] if is_named else model[kind]
        source = f"model.encoders.{modality}." if is_named else f"model.{kind}."
        ranges |= _with_prefix(space, f"features.{modality}.", f"features.{modality}.")
        ranges |= _with_prefix(space, source, f"model.encoders.{modality}.")
    if not encoders:
        raise ConfigError(
            f"model: corpus {store.corpus_name} has no modality that the model could read in every "
            "training part"
        )
    in_order = {path: ranges[path] for path in [*filter(ranges.__contains__, space), *ranges]}
    fixed = {"encoders": encoders, "reads": "encoders", "vector": None, "sequence": None}
    adapted = build(SearchConfig, plain | {"model": model | fixed, "space": in_order})
    return adapted, [*encoders]


def _leave_out_context(config: SearchConfig) -> SearchConfig:
    """Return the configuration, and its space, of a model that reads each utterance alone."""
    plain = dump(config)
    space = {path: range_ for path, range_ in plain["space"].items() if not _is_of_context(path)}
    model = plain["model"] | {"context": {"name": "none"}}
    return build(SearchConfig, plain | {"model": model, "space": space})


def _is_of_context(path: str) -> bool:
    return path.startswith(("model.context.", "model.turns_"))


def _is_of_modality(path: str) -> bool:
    return path.startswith(("features.", "model.encoders.", "model.vector.", "model.sequence."))


def _with_prefix(
    space: Mapping[str, Mapping[str, Any]], old: str, new: str
) -> dict[str, dict[str, Any]]:
    """Return the ranges of one encoder under another one's path, and so for their conditions."""

    def renamed(path: str) -> str:
        return new + path.removeprefix(old) if path.startswith(old) else path

    return {
        renamed(path): {
            **range_,
            "when": {renamed(condition): value for condition, value in range_["when"].items()},
        }
        for path, range_ in space.items()
        if path.startswith(old)
    }


def _count_frames(
    store: FeatureStore, development: Development, named: Collection[str]
) -> dict[str, int]:
    """Return modality → frames of its longest utterance, of each that the network could read.

    They are in the order of the encoders' names, ready-made ones that are not named there last.
    """
    counts = {}
    for modality in sorted(store.modalities, key=lambda name: [*named, name].index(name)):
        if modality in named or modality in store.ready_made:
            n_frames = min(_count_longest(fold.train, modality) for fold in development.folds)
            counts[modality] = n_frames
    return {modality: n_frames for modality, n_frames in counts.items() if n_frames}


def _sources(modalities: Iterable[str], store: FeatureStore) -> set[str]:
    """Return what modalities are made of, by the names that people know."""
    return {source_of(name, store.ready_made) for name in modalities}


def _count_longest(utterances: Utterances, modality: str) -> int:
    """Return the frames of the longest utterance: 1 of a vector, 0 where nobody has it."""
    if modality == TEXT_FACTORS or (modality == TEXT and TEXT not in utterances.framed):
        return (2 if modality == TEXT else 1) * _have_words(utterances.table["transcript"])
    return max(len(utterances.sequence(modality, row)) for row in range(len(utterances)))


def _have_words(transcripts: Iterable[object]) -> bool:
    return any(isinstance(text, str) and text.strip() for text in transcripts)
