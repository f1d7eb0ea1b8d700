"""Turn MELD's CSV files into a manifest: `python examples/meld.py FOLDER meld.csv`.

FOLDER holds `train_sent_emo.csv`, `dev_sent_emo.csv` and `test_sent_emo.csv`. The column `split`
says which part a row is of, for `split=given`. Dialogues are numbered anew in each part: its name
stands before their numbers. Speakers recur over the parts, as friends do.
"""

import sys
from pathlib import Path

import pandas as pd


def manifest(folder: Path) -> pd.DataFrame:
    """The manifest of MELD's three parts."""
    parts = []
    for part in ("train", "dev", "test"):
        rows = pd.read_csv(folder / f"{part}_sent_emo.csv", keep_default_na=False)
        dialogue = part + "_" + rows["Dialogue_ID"].astype(str)
        parts.append(
            pd.DataFrame({
                "utterance_id": dialogue + "_" + rows["Utterance_ID"].astype(str),
                "split": part,
                "dialogue": dialogue,
                "speaker": rows["Speaker"],
                "emotion": rows["Emotion"],
                "transcript": rows["Utterance"],
            })
        )  # fmt: skip
    return pd.concat(parts)


if __name__ == "__main__":
    manifest(Path(sys.argv[1])).to_csv(sys.argv[2], index=False)
