"""Large draws of the synthetic twin, as one vector an utterance: what the small studies live on.

Speech alone is synthesised (motion would cost far more); means and deviations of the 34 short-term
features are its functionals. Transcripts stay words, those of the turns before an utterance, too.
A pool is drawn once and kept in files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import voice
from emotion_hpo.corpus.twin.corpus import CLASSES, Draw
from emotion_hpo.corpus.twin.table import acts, twin_table
from emotion_hpo.features.short_term import short_term
from emotion_hpo.features.speech import SAMPLE_RATE_HZ

#: Everybody's corpus; only the draws differ.
_SEED = 0

#: Turns of its dialogue before an utterance whose words are read as its context.
_REACH = 8


@dataclass(frozen=True)
class Pool:
    """Utterances of one draw.

    Attributes:
        table: Id, session, dialogue, speaker, transcript, emotion; what was said `before`,
            in the turns of its dialogue.
        speech: Functionals `(n, 68)`.
    """

    table: pd.DataFrame
    speech: NDArray[np.float32]

    @classmethod
    def of(cls, folder: Path, n: int, seed: int, *, known: bool) -> Self:
        """Draw, or read what was drawn before.

        Args:
            folder: Where pools are kept.
            n: Utterances; of known speakers, those of Session 5 are then left out.
            seed: Of the draw.
            known: Whether the corpus's own speakers speak, or others.
        """
        draw = Draw(n, seed, known=known)
        stem = folder / f"{'known' if known else 'fresh'}_{seed}_{n}"
        table_file, speech_file = stem.with_suffix(".parquet"), stem.with_suffix(".npy")
        if not (table_file.exists() and speech_file.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            rows = _with_turns_before(twin_table(_SEED, 1.0, draw))
            is_read = rows["emotion"].notna() & ((rows["session"] != "5") | (not known))
            rows = rows[is_read].reset_index(drop=True)
            columns = ["utterance_id", "session", "dialogue", "speaker", "transcript", "emotion"]
            rows[[*columns, "before"]].to_parquet(table_file)
            np.save(speech_file, _heard(rows, draw))
        return cls(pd.read_parquet(table_file), np.load(speech_file))

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.table)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each utterance `(n,)`."""
        return self.table["emotion"].map(CLASSES.index).to_numpy(np.int64, copy=True)

    def take(self, rows: NDArray[np.int64]) -> "Pool":
        """Some of the utterances, in this order."""
        return Pool(self.table.iloc[rows].reset_index(drop=True), self.speech[rows])


def _with_turns_before(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what the turns before each said, those without a class as well."""
    before = pd.Series("", rows.index)
    for _, dialogue in rows.sort_values("turn").groupby("dialogue"):
        texts = dialogue["transcript"].tolist()
        before[dialogue.index] = [
            " ".join(texts[max(turn - _REACH, 0) : turn]) for turn in range(len(texts))
        ]
    return rows.assign(before=before)


def _heard(rows: pd.DataFrame, draw: Draw) -> NDArray[np.float32]:
    who = "" if draw.known else draw.key  # as the twin itself names its voices
    voices = {name: voice.voice(_SEED, who + name) for name in rows["speaker"].unique()}
    features = []
    for _, speaker, act in acts(rows, draw.key):
        samples = voice.speak(_SEED, act, voices[speaker]).astype(np.float64)
        frames = short_term(samples, SAMPLE_RATE_HZ, 0.2, 0.1)
        features.append(np.concatenate([frames.mean(0), frames.std(0)]))
    return np.array(features, np.float32)
