"""The same model by other words of the test: manual ones beside recognised ones, or the reverse.

Nothing is trained for it: it is what the words' errors cost the model that is there. What is made
of words (tokens, tf-idf, a pretrained model's view) is made of the others; all else stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import TEXT, FeaturesConfig, PretrainedText
from emotion_hpo.corpus import Corpus, Recording, open_corpus
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.breakdowns import compare_with_less
from emotion_hpo.final.evaluation import Probabilities
from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.study.records.final_result import WordsComparison
from emotion_hpo.study.records.transcription import describe_words, read_transcription
from emotion_hpo.study.study_file import StudyFile

_MANUAL = "the manual words"


@dataclass(frozen=True)
class OtherWords:
    """Words that a study's corpus has beside those that it is read with.

    Attributes:
        corpus: The same corpus with the other words.
        features: What is made of words.
        own: Whose words the study reads.
        other: Whose the others are.
    """

    corpus: Corpus
    features: FeaturesConfig
    own: str
    other: str

    def put_into(self, test: Utterances, session: str) -> Utterances | None:
        """Return the test with the other words; None where it has none.

        Args:
            test: The unsealed test.
            session: Of it.
        """
        table = self.corpus.table(session)
        pairs = zip(table["utterance_id"], table["transcript"], strict=True)
        words = {name: text if isinstance(text, str) else None for name, text in pairs}
        if not any(words[name] for name in test.ids):
            return None
        return test.with_words(words, self._encode({name: words[name] for name in test.turns.ids}))

    def _encode(self, words: Mapping[str, str | None]) -> dict[str, dict[str, NDArray[np.float32]]]:
        """Modality of a pretrained model of text → utterance → features `(frames, d)`."""
        modalities = [
            name
            for name, section in self.features.pretrained.items()
            if isinstance(section, PretrainedText)
        ]
        encoders = Encoders(self.features, n_cores())
        recordings = [Recording(name) for name in words]
        rows = encoders.encode(recordings, [*words.values()], modalities)
        return {
            modality: {
                name: features.reshape(len(features), -1).astype(np.float32, copy=False)
                for name, row in zip(words, rows, strict=True)
                if isinstance(features := row.get(modality), np.ndarray)
            }
            for modality in modalities
        }


def find_other_words(stored: StudyFile, recognised: Path | None) -> OtherWords | None:
    """Return the words that a study's corpus has beside its own; None where it has none.

    Args:
        stored: The study.
        recognised: A CSV of words; None: the manual ones, if the study reads others.

    Raises:
        CorpusError: The CSV or the corpus cannot be read.
    """
    config = stored.config
    if recognised == config.corpus.transcripts:
        return None
    other = config.corpus.model_copy(update={"transcripts": recognised})
    corpus = open_corpus(other, config.split.session_column)
    if TEXT not in corpus.modalities:
        return None
    return OtherWords(
        corpus,
        config.features,
        stored.words or _MANUAL,
        describe_words(recognised, read_transcription(recognised)) or _MANUAL,
    )


def compare_words(
    words: OtherWords,
    session: str,
    test: Utterances,
    answers_of: Callable[[Utterances], Probabilities],
) -> WordsComparison | None:
    """Return a model's scores by other words; None where the test has none.

    Args:
        words: The others.
        session: Of the test.
        test: With the words that the study reads.
        answers_of: The model: probabilities `(seeds, n, classes)` of utterances.
    """
    changed = words.put_into(test, session)
    if changed is None:
        return None
    whole, answers = answers_of(test).mean(0), answers_of(changed).mean(0)
    scores = compare_with_less(test, whole, answers)
    return WordsComparison(**dict(scores), own=words.own, other=words.other)
