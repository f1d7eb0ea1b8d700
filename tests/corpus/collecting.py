"""Writes what the reference's `mocap_data_collect.py` would have pickled, from the twin."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from emotion_hpo.config.corpus import CollectedCorpus
from emotion_hpo.corpus import Twin, open_corpus
from emotion_hpo.corpus.collected import Collected
from emotion_hpo.features.mocap import parts
from tests.corpus.releases import CLASSES


def entries(twin: Twin) -> list[dict[str, Any]]:
    """The twin's utterances, as the reference's dicts."""
    written = []
    for session in twin.sessions():
        table = twin.table(session)
        rows = table.set_index("utterance_id")
        labels = twin.labels(session)
        for dialogue in table["dialogue"].unique():
            for recording in twin.recordings(session, dialogue):
                row = rows.loc[recording.utterance_id]
                samples = np.round(recording.samples * 2**15).clip(-(2**15), 2**15 - 1)
                moved = np.nan_to_num(parts(recording.motion))
                votes = [[label] for label, n in json.loads(row["votes"]).items() for _ in range(n)]
                written.append({
                    "id": recording.utterance_id,
                    "emotion": labels[recording.utterance_id],
                    "start": float(row["start_s"]),
                    "end": float(row["end_s"]),
                    "v": np.float64(row["valence"]),
                    "a": float(row["activation"]),
                    "d": float(row["dominance"]),
                    "emo_evo": votes,
                    "signal": samples.astype("i2"),
                    "transcription": row["transcript"],
                    "mocap_head": moved[:, :6].astype(float),
                    "mocap_hand": moved[:, 6:24].astype(float),
                    "mocap_rot": moved[:, 24:].astype(float),
                })  # fmt: skip
    return sorted(written, key=lambda entry: entry["id"])


def write_pickle(path: Path, content: list[Any], protocol: int = 3, *, old: bool = True) -> Path:
    """Pickle as an array of objects, with the module paths of an old NumPy where they are asked."""
    array = np.empty(len(content), dtype=object)
    array[:] = content
    written = pickle.dumps(array, protocol=protocol)
    if old:  # names end in a line feed up to protocol 3, so that their length may change
        written = written.replace(b"numpy._core.", b"numpy.core.")
        assert b"numpy.core.multiarray\n" in written
    path.write_bytes(written)
    return path


def opened(path: Path, **changes: Any) -> Collected:
    """The pickle with the usual settings."""
    settings = {"classes": CLASSES, "merge": {}, "strict": False, **changes}
    return open_corpus(CollectedCorpus(name="collected", file=path, **settings))
