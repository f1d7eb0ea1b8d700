"""What a feature store holds and what it lacks, in figures: printed and written by `prepare`."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_hpo.features.glove import read_vectors
from emotion_hpo.features.shard import Shard
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.text import N_RESERVED, Vocabulary, tokenise


def summary(store: FeatureStore) -> dict[str, Any]:
    """Count what is there, ready for JSON.

    Every session is opened, a sealed one too: the tables are read, features are not.

    Returns:
        `corpus`, `synthetic`, `n_utterances`, `n_by_session_emotion`, `n_by_modality` (utterances
        that have it), `missing` (utterances that have it not), `dimensions` (by modality),
        `n_word_types`, `n_words`, `motion_lost` (share of the stored motion that is NaN, by
        session, context too), `durations` (seconds; `hours` in all), `dialogues` (turns, context
        too, and how they follow each other; None without dialogues), and `keys` (by session).
        Utterances are those with a label.
    """
    shards = [store.open(session) for session in store.sessions]
    turns = pd.concat([shard.table for shard in shards], ignore_index=True)
    table = turns[turns["emotion"].notna()]
    words = [tokenise(text) for text in table["transcript"].dropna()]
    present = {
        modality: sum(_n_with(shard, modality) for shard in shards)
        for modality in shards[0].features
    }
    if "text" in store.modalities:
        present["text"] = sum(map(bool, words))
    counts = table.groupby(["session", "emotion"]).size()
    return {
        "corpus": store.corpus_name,
        "synthetic": store.synthetic,
        "n_utterances": len(table),
        "n_by_session_emotion": {
            session: {emotion: int(counts.get((session, emotion), 0)) for emotion in store.classes}
            for session in store.sessions
        },
        "n_by_modality": present,
        "missing": {modality: len(table) - n for modality, n in present.items()},
        "dimensions": {
            modality: max(shard.features[modality].dimensions for shard in shards)
            for modality in shards[0].features
        },
        "n_word_types": len({word for utterance in words for word in utterance}),
        "n_words": sum(map(len, words)),
        "motion_lost": {
            shard.session: _lost(shard.header["features"]["mocap"])
            for shard in shards
            if "mocap" in shard.features
        },
        "durations": _durations(table),
        "dialogues": _dialogues(turns),
        "keys": dict(store.keys),
    }


def words_without_vectors(store: FeatureStore, path: Path) -> dict[str, Any]:
    """Count the corpus's words that have no pretrained vector, the most frequent first.

    Returns:
        `n_types`, `n_words` (how often they occur) and `first` (ten of them).

    Raises:
        FeatureError: The file of vectors is missing or malformed.
    """
    table = pd.concat([store.open(session).table for session in store.sessions])
    texts = table["transcript"][table["emotion"].notna()].dropna()
    counts = Counter(word for text in texts for word in tokenise(text))
    vocabulary = Vocabulary(tuple(word for word, _ in counts.most_common()))
    known = ~np.isnan(read_vectors(path, vocabulary)[N_RESERVED:, 0])
    words = [word for i, word in enumerate(vocabulary.words) if not known[i]]
    return {
        "n_types": len(words),
        "n_words": sum(counts[word] for word in words),
        "first": words[:10],
    }


def _n_with(shard: Shard, modality: str) -> int:
    """Count the labelled utterances of a session that have a modality."""
    is_labelled = shard.table["emotion"].notna().to_numpy()
    return int(np.count_nonzero(shard.features[modality].lengths[is_labelled]))


def _lost(entry: dict[str, int]) -> float:
    """Share of stored values that are NaN."""
    return entry["n_lost"] / max(entry["n_frames"] * entry["dimensions"], 1)


def _durations(table: pd.DataFrame) -> dict[str, float | None]:
    """Seconds of the utterances whose start and end are known."""
    seconds = (table["end_s"] - table["start_s"]).astype(float).dropna().to_numpy()
    if not seconds.size:
        return dict.fromkeys(("median_s", "mean_s", "p95_s", "max_s", "hours"))
    return {
        "median_s": float(np.median(seconds)),
        "mean_s": float(seconds.mean()),
        "p95_s": float(np.percentile(seconds, 95)),
        "max_s": float(seconds.max()),
        "hours": float(seconds.sum() / 3600),
    }


def _dialogues(turns: pd.DataFrame) -> dict[str, Any] | None:
    """Count the turns of dialogues whose order is known, and measure the gaps between them.

    Returns:
        `n_dialogues`, `n_turns`, `n_labelled`, `n_followed` (turns with one before them, both with
        times), `n_overlapping` (of these, those that start before the other ends), `median_gap_s`
        and `p95_gap_s` (from the end of the turn before; None without times). None where no turn
        has a place in a dialogue.
    """
    ordered = turns[turns["turn"].notna()].sort_values(["session", "dialogue", "turn"])
    if ordered.empty:
        return None
    dialogues = ordered.groupby(["session", "dialogue"])
    gaps = (ordered["start_s"] - dialogues["end_s"].shift()).astype(float).dropna().to_numpy()
    return {
        "n_dialogues": int(dialogues.ngroups),
        "n_turns": len(ordered),
        "n_labelled": int(ordered["emotion"].notna().sum()),
        "n_followed": len(gaps),
        "n_overlapping": int((gaps < 0).sum()),
        "median_gap_s": float(np.median(gaps)) if gaps.size else None,
        "p95_gap_s": float(np.percentile(gaps, 95)) if gaps.size else None,
    }
