"""A corpus of a few utterances, in memory, whose every trait a test can choose."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording, validate_table


@dataclass(frozen=True)
class FakeCorpus:
    """Two dialogues a session, their ids interleaved; of each modality one utterance has none."""

    n_sessions: int = 2
    n_utterances: int = 6
    seed: int = 0
    name: str = "fake"
    synthetic: bool = True
    classes: tuple[str, ...] = ("ang", "sad")
    modalities: tuple[str, ...] = ("speech", "text", "mocap")
    fails_at: str | None = None
    kills_at: str | None = None
    features: tuple[str, ...] = ()
    ready_made: tuple[str, ...] = ()
    prefix: str = ""
    n_faults: int = 0

    def sessions(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}{i + 1}" for i in range(self.n_sessions))

    def remarks(self) -> tuple[str, ...]:
        return ("synthetic",)

    def faults(self) -> tuple[Fault, ...]:
        return tuple(Fault("odd", f"file {i}") for i in range(self.n_faults))

    def fingerprint(self, session: str, digests: Digests) -> str:
        return f"{self.seed}-{self.n_utterances}-{session}"

    def table(self, session: str) -> pd.DataFrame:
        ids = [f"S{session}_{i:03d}" for i in range(self.n_utterances)]
        table = pd.DataFrame(
            {
                "utterance_id": ids,
                "session": session,
                "dialogue": [f"D{session}{'ab'[i % 2]}" for i in range(len(ids))],
                "speaker": [f"P{session}{'ab'[i % 2]}" for i in range(len(ids))],
                "emotion": [self.classes[i % 2] for i in range(len(ids))],
                "start_s": 0.0,
                "end_s": [1.0 + i for i in range(len(ids))],
                "transcript": [f"word{i} don't [LAUGHTER]" for i in range(len(ids))],
            }
        )
        table.loc[2, "transcript"] = None
        return validate_table(table, self.classes, "fake")

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        table = self.table(session)
        for i in np.flatnonzero(table["dialogue"] == dialogue)[::-1]:  # any order
            id_ = table["utterance_id"][i]
            if id_ == self.kills_at:
                os._exit(9)
            rng = np.random.default_rng([self.seed, int(session[-1]), i])
            samples = rng.standard_normal(4000 + 1000 * i).astype(np.float32)
            if id_ == self.fails_at:
                samples[5] = np.nan
            motion = {
                name: rng.standard_normal((300 + i, width)).astype(np.float32)
                for name, width in MOTION_PARTS.items()
            }
            motion["face"][:150, 0] = np.nan
            yield Recording(
                id_,
                samples=None if i == 0 else samples,
                motion=None if i == 1 else motion,
                features={name: rng.random((i, 3), np.float32) for name in self.features if i},
            )
