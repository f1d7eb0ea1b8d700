"""Utterances of a corpus as its users have them: words, a waveform, motion, and their dialogue."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict import Utterance


def read_recorded(utterances: Utterances, corpus_config: Any) -> list[Utterance]:
    """Return every row of the table, in its order."""
    corpus, table = open_corpus(corpus_config), utterances.table
    recordings = {
        recording.utterance_id: recording
        for session, dialogue in table.groupby(["session", "dialogue"]).groups
        for recording in corpus.recordings(session, dialogue)
    }
    rows = table.to_dict("records")
    return [_as_utterance(row, recordings[row["utterance_id"]]) for row in rows]


def _as_utterance(row: Mapping[Any, Any], recording: Recording) -> Utterance:
    motion = recording.motion and np.concatenate([recording.motion[p] for p in MOTION_PARTS], 1)
    return Utterance(
        row["transcript"] if isinstance(row["transcript"], str) else None,
        recording.samples,
        recording.sample_rate_hz,
        motion,
        row["speaker"],
        dialogue=row["dialogue"],
        start_s=row["start_s"],
        end_s=row["end_s"],
    )
