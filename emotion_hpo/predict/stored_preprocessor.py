"""How a model's file holds what reads its utterances: vocabulary, scales, components of words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, from_numpy

from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.scaling import FeatureReader, Scale
from emotion_hpo.features.text import Vocabulary

if TYPE_CHECKING:
    from emotion_hpo.dataset.text_factors import TextFactors


def plain_preprocessor(preprocessor: Preprocessor) -> dict[str, Any]:
    """Return a preprocessor as a model's file holds it: tensors, and what JSON has."""
    return {
        "max_words": preprocessor.max_words,
        "described": list(preprocessor.described),
        "in_dialogues": preprocessor.in_dialogues,
        "marks": preprocessor.marks,
        "factors": None if preprocessor.factors is None else preprocessor.factors.state(),
        "words": None if preprocessor.vocabulary is None else list(preprocessor.vocabulary.words),
        "readers": {
            modality: {
                "dimensions": reader.dimensions,
                "max_length": reader.max_length,
                "corpus": None if reader.corpus is None else _plain_scale(reader.corpus),
                "speakers": None
                if reader.speakers is None
                else {name: _plain_scale(scale) for name, scale in reader.speakers.items()},
                "n_prior": reader.n_prior,
                "n_layers": reader.n_layers,
            }
            for modality, reader in preprocessor.readers.items()
        },
    }


def _plain_scale(scale: Scale) -> tuple[Tensor, Tensor]:
    return from_numpy(scale.mean), from_numpy(scale.deviation)


def read_preprocessor(stored: Mapping[str, Any]) -> Preprocessor:
    """Read a preprocessor back from a model's file; what is broken raises errors of any kind."""
    readers = {
        modality: FeatureReader(
            reader["dimensions"],
            reader["max_length"],
            None if reader["corpus"] is None else _scale(reader["corpus"]),
            None
            if reader["speakers"] is None
            else {name: _scale(scale) for name, scale in reader["speakers"].items()},
            reader["n_prior"],
            reader.get("n_layers", 1),
        )
        for modality, reader in stored["readers"].items()
    }
    words = stored["words"]
    vocabulary = None if words is None else Vocabulary(tuple(words))
    factors = stored.get("factors")  # older models have none
    return Preprocessor(
        readers,
        vocabulary,
        stored["max_words"],
        stored["marks"],
        described=tuple(stored["described"]),
        in_dialogues=stored.get("in_dialogues", False),  # older models read no dialogues
        factors=None if factors is None else _text_factors(factors),
    )


def _text_factors(stored: Mapping[str, Tensor]) -> "TextFactors":
    from emotion_hpo.dataset.text_factors import TextFactors  # scikit-learn: a second

    return TextFactors.load(stored)


def _scale(stored: tuple[Tensor, Tensor]) -> Scale:
    mean, deviation = stored
    return Scale(mean.numpy(), deviation.numpy())
