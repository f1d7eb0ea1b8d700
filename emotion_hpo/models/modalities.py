"""Which modalities a model reads of a training part."""

from collections.abc import Iterable

from emotion_hpo.config import ModelConfig, NetworkModel
from emotion_hpo.config.features import TEXT, TEXT_FACTORS
from emotion_hpo.errors import ConfigError, unknown_name
from emotion_hpo.features.text import tokenise
from emotion_hpo.features.utterances import Utterances

#: A recording's frames, and the vector that describes the same recording better than their mean.
_FRAMES, _VECTOR = "speech", "functionals"


def modalities_of(model: ModelConfig, train: Utterances) -> tuple[str, ...]:
    """Return what a model reads: a network, what it has encoders for; a classical model, all.

    Raises:
        ConfigError: A classical model names a modality that no training utterance has.
    """
    if isinstance(model, NetworkModel):
        return tuple(model.encoders)
    if model.modalities is None:
        return all_modalities(train)
    available = available_in(train)
    for name in model.modalities:
        if name not in available:
            line = unknown_name("modality of the training part", name, available)
            raise ConfigError(f"model.modalities: {line}")
    return model.modalities


def reads_statistics(model: ModelConfig) -> bool:
    """Return whether a model reads frames as their statistics, one vector an utterance."""
    return not isinstance(model, NetworkModel) or model.frames == "statistics"


def all_modalities(train: Utterances) -> tuple[str, ...]:
    """Return all that a training part has, each recording once, as for a model of vectors."""
    return without_repetition(available_in(train), train)


def without_repetition(modalities: Iterable[str], train: Utterances) -> tuple[str, ...]:
    """Return those of some modalities whose vectors say something of their own.

    Where this program has extracted both views of a voice, the frames' own statistics are left out:
    they say the same, coarser. The corpus's own features are never left out. Where words are read
    as one vector, they are not read one by one as well.
    """
    names = tuple(modalities)
    repeated = {TEXT} if TEXT_FACTORS in names and TEXT not in train.framed else set()
    if _VECTOR in names and {_FRAMES, _VECTOR} <= train.extracted:
        repeated.add(_FRAMES)
    return tuple(name for name in names if name not in repeated)


def available_in(train: Utterances) -> tuple[str, ...]:
    """Return what at least one of some utterances has, sorted."""
    has_words = any(map(tokenise, train.table["transcript"].dropna()))
    return tuple(sorted({*train.framed, *([TEXT] if has_words else [])}))
