"""The synthetic twin of IEMOCAP."""

from emotion_hpo.corpus.twin.corpus import open_corpus

__all__ = ["open_corpus"]
