"""Corpora: from files (or from nothing, for the twin) to utterance tables and recordings.

`open_corpus` is the only way in; what comes out keeps to `schema.Corpus`. The corpus that a
configuration calls `emodb` is opened by the function `open_corpus` of the module `emodb` in this
folder: names are checked by the configuration, so that no list of them is needed here.
"""

from importlib import import_module

from emotion_hpo.config.corpus import CorpusConfig
from emotion_hpo.corpus.faults import Fault, count_by_kind
from emotion_hpo.corpus.retranscribed import Retranscribed
from emotion_hpo.corpus.schema import COLUMNS, MOTION_PARTS, Corpus, Recording, validate_table
from emotion_hpo.corpus.twin.corpus import Twin
from emotion_hpo.corpus.twin.release import write_release

__all__ = [
    "COLUMNS",
    "MOTION_PARTS",
    "Corpus",
    "Fault",
    "Recording",
    "Twin",
    "count_by_kind",
    "open_corpus",
    "validate_table",
    "write_release",
]


def open_corpus(config: CorpusConfig) -> Corpus:
    """Open the corpus that a configuration names.

    Raises:
        CorpusError: Its files are missing or broken.
    """
    module = import_module(f"{__name__}.{config.name}")
    corpus: Corpus = module.open_corpus(config)
    return Retranscribed.open(corpus, config.transcripts) if config.transcripts else corpus
