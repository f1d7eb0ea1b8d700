"""Corpora: from files (or from nothing, for the twin) to utterance tables and recordings.

`open_corpus` is the only way in; what comes out keeps to `schema.Corpus`. The corpus that a
configuration calls `emodb` is opened by the function `open_corpus` of the module `emodb` in this
folder: names are checked by the configuration, so that no list of them is needed here.
"""

from importlib import import_module

from emotion_hpo.config.corpus import CorpusConfig, ManifestCorpus
from emotion_hpo.config.split import SESSION
from emotion_hpo.corpus.faults import Fault, count_by_kind
from emotion_hpo.corpus.retranscribed import Retranscribed
from emotion_hpo.corpus.schema import COLUMNS, MOTION_PARTS, Corpus, Recording, validate_table
from emotion_hpo.corpus.twin.corpus import Twin
from emotion_hpo.corpus.twin.release import write_release
from emotion_hpo.errors import ConfigError

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


def open_corpus(config: CorpusConfig, session_column: str = SESSION) -> Corpus:
    """Open the corpus that a configuration names.

    Args:
        config: The corpus.
        session_column: Column whose values are its sessions; of a manifest it may be any.

    Raises:
        CorpusError: Its files are missing or broken.
        ConfigError: It is no manifest, and its sessions are to be another column's values.
    """
    module = import_module(f"{__name__}.{config.name}")
    corpus: Corpus
    if isinstance(config, ManifestCorpus):
        corpus = module.open_corpus(config, session_column)
    elif session_column == SESSION:
        corpus = module.open_corpus(config)
    else:
        raise ConfigError(
            f"split.column: corpus={config.name} has no column {session_column!r}; split=given "
            f"takes any column of a manifest, and of this corpus split.column={SESSION} alone"
        )
    return Retranscribed.open(corpus, config.transcripts) if config.transcripts else corpus
