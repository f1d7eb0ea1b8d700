"""Dialogues in memory: turns of words, frames and vectors, of which some have a label."""

from functools import cache

import numpy as np
import pandas as pd

from emotion_hpo.config import ExperimentConfig, build, dump, with_value
from emotion_hpo.features.utterances import Utterances
from tests.pipeline import compose_open_config

CLASSES = ("ang", "neu", "sad")
WORDS = ("stop", "well", "lost")
LENGTHS = (5, 1, 9, 3, 7, 4)

CONTEXTS = {
    "recurrent": {"name": "recurrent", "cell": "lstm", "depth": 2},
    "gru": {"name": "recurrent", "cell": "gru"},
    "replacing": {"name": "recurrent", "residual": False, "relations": False},
    "attention": {"name": "attention", "depth": 2, "heads": 2, "reach": 2},
    "speaker_recurrent": {"name": "speaker_recurrent"},
}
ENCODERS = {
    "text": {
        "name": "lstm", "embedding": {"vectors": "random", "dimensions": 4, "trainable": True},
        "units": 4, "depth": 1, "bidirectional": False, "pooling": "last", "output_units": 4,
    },
    "speech": {
        "name": "lstm", "units": 4, "depth": 1, "bidirectional": True, "pooling": "mean",
        "output_units": 4,
    },
    "voice": {"name": "mlp", "units": 4, "depth": 0, "output_units": 4},
}  # fmt: skip


class Shelf:
    """Features in memory, beside their table."""

    extracted = frozenset[str]()

    def __init__(self, table: pd.DataFrame, features: dict[str, list[np.ndarray]]) -> None:
        self.table, self.features = table, features


def make_shelf(lengths: tuple[int, ...] = LENGTHS, seed: int = 0) -> Shelf:
    """Dialogues of two speakers; ids number each speaker apart, so that they are in no order.

    A label runs on, a third of the turns has none, and some times and speakers are unknown.
    """
    generator = np.random.default_rng(seed)
    rows, speech, voice = [], [], []
    for dialogue, n_turns in enumerate(lengths):
        label, start = int(generator.integers(3)), 0.0
        for turn in range(n_turns):
            label = label if generator.random() < 0.8 else int(generator.integers(3))
            who = "FM"[int(generator.random() < 0.5)]
            end = start + float(generator.uniform(1, 4))
            is_known = generator.random() > 0.1
            rows.append(
                {
                    "utterance_id": f"d{dialogue}_{who}{turn:03d}", "session": str(dialogue % 2),
                    "dialogue": f"d{dialogue}", "speaker": f"{who}{dialogue % 2}",
                    "emotion": CLASSES[label] if generator.random() < 0.7 else None,
                    "turn": turn, "transcript": " ".join([WORDS[label]] * (1 + turn % 3)),
                    "start_s": start if is_known else None, "end_s": end if is_known else None,
                    "votes": None,
                }
            )  # fmt: skip
            start = end + float(generator.normal(0, 1))
            speech.append(generator.normal(label, 1, (int(generator.integers(1, 6)), 5)))
            voice.append(generator.normal(label, 1, (1, 6)))
    if not any(row["emotion"] for row in rows):
        rows[0]["emotion"] = CLASSES[0]
    features = {
        "speech": [frames.astype(np.float32) for frames in speech],
        "voice": [frames.astype(np.float32) for frames in voice],
    }
    return Shelf(pd.DataFrame(rows), features)


def make_turns(shelf: Shelf) -> Utterances:
    """Every turn, sorted by id."""
    return Utterances.from_shards((shelf,), CLASSES)


@cache
def _base() -> ExperimentConfig:
    return compose_open_config("study=smoke", "features=paper").experiment()


def make_config(
    context: dict[str, object] | None = None, training: dict[str, object] | None = None, **model
) -> ExperimentConfig:
    """A small network of three modalities, with a context of eight units."""
    plain = dump(_base())
    plain["features"] |= {"voice": {"normalise": "corpus"}}
    plain["features"]["speech"]["normalise"] = "corpus"
    plain["model"] = {
        "name": "small", "encoders": ENCODERS, "fusion": {"name": "concat", "units": 6},
        "dropout": 0.0,
    } | model  # fmt: skip
    if context is not None:
        plain["model"]["context"] = {"units": 8, "dropout": 0.0} | context
    changes = {
        "epochs": 3, "batch_size": 12, "batch_turns": 12, "precision": "float32", "device": "cpu",
        "learning_rate": 0.01,
    } | (training or {})  # fmt: skip
    return build(ExperimentConfig, with_value(plain, "training", plain["training"] | changes))
