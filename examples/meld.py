"""Turn MELD's CSV files into a manifest: `python examples/meld.py FOLDER meld.csv`.

FOLDER holds `train_sent_emo.csv`, `dev_sent_emo.csv` and `test_sent_emo.csv`. The column `split`
says which part a row is of, for `split=given`. Dialogues are numbered anew in each part: its name
stands before their numbers; the order of their turns is MELD's own. Times are from the dialogue's
earliest start; some of MELD's run backwards, which stays. Speakers recur over the parts, as
friends do.
"""

import sys
from pathlib import Path

import pandas as pd

#: One turn of the test part ends when it starts, which no turn may.
SHORTEST_S = 0.001


def manifest(folder: Path) -> pd.DataFrame:
    """The manifest of MELD's three parts."""
    parts = []
    for part in ("train", "dev", "test"):
        rows = pd.read_csv(folder / f"{part}_sent_emo.csv", keep_default_na=False)
        dialogue = part + "_" + rows["Dialogue_ID"].astype(str)
        start_s, end_s = (seconds(rows[column]) for column in ("StartTime", "EndTime"))
        first_s = start_s.groupby(dialogue).transform("min")
        parts.append(
            pd.DataFrame({
                "utterance_id": dialogue + "_" + rows["Utterance_ID"].astype(str),
                "split": part,
                "dialogue": dialogue,
                "turn": rows["Utterance_ID"],
                "start_s": (start_s - first_s).round(3),
                "end_s": (end_s.clip(lower=start_s + SHORTEST_S) - first_s).round(3),
                "speaker": rows["Speaker"],
                "emotion": rows["Emotion"],
                "transcript": rows["Utterance"],
            })
        )  # fmt: skip
    return pd.concat(parts)


def seconds(times: "pd.Series[str]") -> "pd.Series[float]":
    """Seconds of times such as `00:16:21,731`."""
    return pd.to_timedelta(times.str.replace(",", ".")).dt.total_seconds()


if __name__ == "__main__":
    manifest(Path(sys.argv[1])).to_csv(sys.argv[2], index=False)
