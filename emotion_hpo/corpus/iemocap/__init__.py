"""IEMOCAP's release, as unpacked."""

from emotion_hpo.corpus.iemocap.corpus import open_corpus

__all__ = ["open_corpus"]
