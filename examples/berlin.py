"""Turn the Berlin recordings into a manifest: `python examples/berlin.py FOLDER berlin.csv`.

FOLDER holds `wav/03a01Fa.wav` …; the manifest belongs into FOLDER, for recordings are found from
its own place. (`corpus=emodb` reads them directly, with what was said.)
"""

import sys
from pathlib import Path

import pandas as pd

EMOTIONS = {"W": "anger", "F": "happiness", "N": "neutral", "T": "sadness"}
SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")


def manifest(folder: Path) -> pd.DataFrame:
    """The manifest of the recordings of four emotions."""
    names = sorted(path.stem for path in folder.glob("wav/[0-9]*.wav"))
    labelled = [name for name in names if name[5] in EMOTIONS]
    return pd.DataFrame({
        "utterance_id": labelled,
        "session": [str(SPEAKERS.index(name[:2]) // 2 + 1) for name in labelled],
        "dialogue": [name[:5] for name in labelled],  # takes of one sentence belong together
        "speaker": [name[:2] for name in labelled],
        "emotion": [EMOTIONS[name[5]] for name in labelled],
        "audio": [f"wav/{name}.wav" for name in labelled],
    })  # fmt: skip


if __name__ == "__main__":
    manifest(Path(sys.argv[1])).to_csv(sys.argv[2], index=False)
