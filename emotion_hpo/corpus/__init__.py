"""Corpora: from files (or from nothing, for the twin) to utterance tables and recordings.

`open_corpus` is the only way in; what comes out keeps to `schema.Corpus`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from emotion_hpo.config.corpus import CorpusConfig
from emotion_hpo.corpus.collected import Collected
from emotion_hpo.corpus.emodb import Emodb
from emotion_hpo.corpus.faults import Fault, counted
from emotion_hpo.corpus.iemocap.corpus import Iemocap
from emotion_hpo.corpus.manifest import Manifest
from emotion_hpo.corpus.retranscribed import Retranscribed
from emotion_hpo.corpus.schema import COLUMNS, MOTION_PARTS, Corpus, Recording, checked
from emotion_hpo.corpus.twin.corpus import Twin
from emotion_hpo.corpus.twin.release import write_release

__all__ = [
    "COLUMNS",
    "MOTION_PARTS",
    "Corpus",
    "Fault",
    "Recording",
    "Twin",
    "checked",
    "counted",
    "open_corpus",
    "write_release",
]

#: Configuration's `name` → how that corpus is opened.
_CORPORA: Mapping[str, Callable[[Any], Corpus]] = {
    "twin": Twin.open,
    "emodb": Emodb.open,
    "iemocap": Iemocap.open,
    "collected": Collected.open,
    "manifest": Manifest.open,
}


def open_corpus(config: CorpusConfig) -> Corpus:
    """Open the corpus that a configuration names.

    Raises:
        CorpusError: Its files are missing or broken.
    """
    corpus = _CORPORA[config.name](config)
    return Retranscribed.open(corpus, config.transcripts) if config.transcripts else corpus
