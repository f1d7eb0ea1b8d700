"""Dialogues of a shard that is not whole yet, a file each, so that nothing is extracted twice.

Only where a pretrained model reads something: then a dialogue is worth minutes. A file is written
beside its place and renamed into it, so that a process may be killed at any time; one that cannot
be read counts as none. The folder's name ends in the shard's key, so that what is in it fits.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion_hpo.corpus.faults import Fault
from emotion_hpo.features.extracted import Extracted


def finished_folder(shard: Path) -> Path:
    """Return where the finished dialogues of a shard lie until it is whole."""
    return shard.with_name(f".{shard.name}.dialogues")


def read_dialogue(folder: Path, dialogue: str) -> list[Extracted] | None:
    """Return a dialogue's utterances, or None if it is not there or not whole."""
    try:
        content = io.BytesIO(_path(folder, dialogue).read_bytes())
        with np.load(content, allow_pickle=False) as stored:
            facts = json.loads(bytes(stored["facts"]).decode())
            return [
                Extracted(
                    entry["utterance_id"],
                    {name: stored[f"{row}.{name}"] for name in entry["modalities"]},
                    entry["marks"],
                    tuple(Fault(*fault) for fault in entry["faults"]),
                )
                for row, entry in enumerate(facts)
            ]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def write_dialogue(folder: Path, dialogue: str, utterances: Sequence[Extracted]) -> None:
    """Keep a dialogue's utterances.

    Raises:
        OSError: The disk is full or cannot be written to.
    """
    facts = [
        {
            "utterance_id": utterance.utterance_id,
            "modalities": list(utterance.arrays),
            "marks": dict(utterance.marks),
            "faults": [list(fault) for fault in utterance.faults],
        }
        for utterance in utterances
    ]
    arrays = {
        f"{row}.{name}": array
        for row, utterance in enumerate(utterances)
        for name, array in utterance.arrays.items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, dialogue)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(buffer.getvalue())
    partial.replace(path)


def _path(folder: Path, dialogue: str) -> Path:
    return folder / f"{hashlib.sha256(dialogue.encode()).hexdigest()[:32]}.npz"
