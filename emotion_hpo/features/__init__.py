"""Utterances become arrays: voice, words and motion; and the store that keeps them.

`prepare` extracts what is missing and hands out a `FeatureStore`; `summary` counts what it holds.
"""

from emotion_hpo.features.store import FeatureStore, Ragged, Shard, prepare
from emotion_hpo.features.summary import summary

__all__ = ["FeatureStore", "Ragged", "Shard", "prepare", "summary"]
