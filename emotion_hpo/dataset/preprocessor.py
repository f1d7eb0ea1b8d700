"""Vocabulary and scales, fitted on the training part; stored with every model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray

from emotion_hpo.config import FeaturesConfig
from emotion_hpo.config.features import TEXT, TEXT_FACTORS, TextFeatures
from emotion_hpo.dataset.batch import InputShape
from emotion_hpo.dataset.batches import Dataset, UtteranceDataset
from emotion_hpo.dataset.described import describe
from emotion_hpo.dataset.dialogues import DialogueDataset
from emotion_hpo.dataset.scaling import FeatureReader, fit_reader
from emotion_hpo.errors import ConfigError
from emotion_hpo.features import glove
from emotion_hpo.features.text import Vocabulary, tokenise
from emotion_hpo.features.utterances import Utterances

if TYPE_CHECKING:
    from emotion_hpo.dataset.text_factors import TextFactors


@dataclass(frozen=True)
class Preprocessor:
    """Vocabulary, scales and cuts, fitted on the training part.

    Attributes:
        readers: By feature modality.
        vocabulary: Of the training transcripts, where the network reads text.
        max_words: Longest text that is kept.
        marks: Whether marks such as `!` are words, too.
        vectors: `(tokens, D)` pretrained vectors of the vocabulary, NaN where there is none, or
            None. Only a new network starts from them, so they are not stored with a trained one.
        described: Modalities whose frames are read as the statistics of an utterance, one vector.
        in_dialogues: Whether utterances are read among the turns of their dialogues.
        factors: The training transcripts' components, where the network reads them.
    """

    readers: Mapping[str, FeatureReader]
    vocabulary: Vocabulary | None
    max_words: int
    marks: bool = False
    vectors: NDArray[np.float32] | None = None
    described: tuple[str, ...] = ()
    in_dialogues: bool = False
    factors: "TextFactors | None" = None

    @classmethod
    def fit(
        cls,
        train: Utterances,
        config: FeaturesConfig,
        modalities: tuple[str, ...],
        *,
        as_vectors: bool = False,
        statistics: bool = False,
        in_dialogues: bool = False,
    ) -> Self:
        """Fit the vocabulary and the scales on training utterances.

        Args:
            train: The training part, alone.
            config: How features are cut and scaled.
            modalities: Those that the model reads.
            as_vectors: For a model without layers: with `statistics`, and no word vectors.
            statistics: Read every modality of several frames as their statistics.
            in_dialogues: Fit on every turn of the training part, and read utterances among them.

        Raises:
            ConfigError: No training utterance has one of the modalities.
            StudyError: How a modality is scaled was not decided.
            FeatureError: The file of word vectors is missing or malformed.
        """
        train = train.turns if in_dialogues else train
        text = config.text if isinstance(config.text, TextFeatures) else None
        no_frames = (TEXT_FACTORS,) if text is None else (TEXT, TEXT_FACTORS)
        frames = tuple(name for name in modalities if name not in no_frames)
        described = tuple(filter(train.is_sequence, frames)) if as_vectors or statistics else ()
        view = describe(train, described)
        readers = {name: fit_reader(view, config.section(name), name) for name in frames}
        readers |= {modality: replace(readers[modality], max_length=1) for modality in described}
        vocabulary = vectors = factors = None
        if text is not None and TEXT in modalities:
            transcripts = train.table["transcript"].dropna()
            words = [tokenise(transcript, marks=text.marks) for transcript in transcripts]
            vocabulary = _fit_vocabulary(words, text.min_count)
            if text.vectors is not None and not as_vectors:
                vectors = glove.read_vectors(text.vectors, vocabulary)
        if TEXT_FACTORS in modalities:
            from emotion_hpo.dataset.text_factors import TextFactors  # scikit-learn: a second

            assert config.text_factors is not None  # else no corpus has them
            factors = TextFactors.fit(train, config.text_factors.components)
        max_words, marks = (text.max_words, text.marks) if text is not None else (0, False)
        return cls(readers, vocabulary, max_words, marks, vectors, described, in_dialogues, factors)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that it transforms."""
        of_words = {TEXT: self.vocabulary, TEXT_FACTORS: self.factors}
        return (*self.readers, *(name for name, view in of_words.items() if view is not None))

    def shapes(self) -> dict[str, InputShape]:
        """Return the shape of each modality, from which a network is built."""
        shapes = {
            modality: InputShape(reader.dimensions, reader.max_length, n_layers=reader.n_layers)
            for modality, reader in self.readers.items()
        }
        if self.vocabulary is not None:
            vectors = None if self.vectors is None else torch.from_numpy(self.vectors)
            shapes[TEXT] = InputShape(0, self.max_words, len(self.vocabulary), vectors)
        if self.factors is not None:
            shapes[TEXT_FACTORS] = InputShape(self.factors.dimensions, 1)
        return shapes

    def tokens(self, transcript: str) -> list[str]:
        """Split a transcript as the training part's were; without a cut."""
        return tokenise(transcript, marks=self.marks)

    def transform(self, utterances: Utterances) -> Dataset:
        """Scale and encode utterances, ready for batches."""
        view = describe(utterances, self.described)
        if not self.in_dialogues:
            return self._read(view)
        return DialogueDataset(view, self._read(view.turns))

    def _read(self, utterances: Utterances) -> UtteranceDataset:
        factors = None if self.factors is None else self.factors.transform(utterances)
        return UtteranceDataset(utterances, self.readers, self._encode(utterances), factors)

    def _encode(self, utterances: Utterances) -> list[NDArray[np.int64]] | None:
        """Encode the words of each utterance as numbers; None if the network does not read them."""
        vocabulary = self.vocabulary
        if vocabulary is None:
            return None
        return [
            np.asarray(vocabulary.encode(self.tokens(text)[: self.max_words]), np.int64)
            if isinstance(text, str)
            else np.zeros(0, np.int64)
            for text in utterances.table["transcript"]
        ]


def _fit_vocabulary(words: list[list[str]], min_count: int) -> Vocabulary:
    """Fit the vocabulary on the training part.

    Raises:
        ConfigError: It would be empty.
    """
    if not any(words):
        raise ConfigError(
            "model.encoders.text: no training utterance has words; leave the encoder out (model=…) "
            "or give the corpus transcripts"
        )
    vocabulary = Vocabulary.fit(words, min_count=min_count)
    if not vocabulary.words:
        raise ConfigError(
            f"features.text.min_count: no word of the training part occurs {min_count} times; "
            "lower it"
        )
    return vocabulary
