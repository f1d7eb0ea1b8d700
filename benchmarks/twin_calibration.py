"""Where simple classifiers land on the synthetic twin, beside where they land on IEMOCAP.

Fit on Sessions 1 to 4, scored on Session 5, on new utterances by the speakers of Sessions 1 to 4,
and on speakers that nobody has heard: utterances of a class, each by itself. Inputs are the
project's own features, averaged over the utterance. What to turn when the columns part:
`emotion_hpo.corpus.twin.expression.DIFFICULTY`.

    python benchmarks/twin_calibration.py --fresh 2000
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler

from emotion_hpo.corpus import Twin
from emotion_hpo.features.mocap import parts
from emotion_hpo.features.speech import short_term

#: Input → accuracy on IEMOCAP, in %. Text, speech and both: logistic regression under this very
#: protocol (speech: 47 GeMAPS functionals); what has motion: the networks of Tripathi et al. 2018.
IEMOCAP = {
    "text": "64.3",
    "speech": "58.3",
    "head": "37.8-40.3",
    "hand": "33.7-36.9",
    "face": "48.6-49.0",
    "motion": "51.1",
    "text + speech": "70.9",
    "text + motion": "",
    "speech + motion": "",
    "text + speech + motion": "71.0",
}
#: Scale of the motion's columns, which are many and alike: without it, weights run away.
_SHRINK = 0.1
#: Columns of the motion's parts.
STREAMS = {"head": slice(0, 6), "hand": slice(6, 24), "face": slice(24, 189)}


@dataclass(frozen=True)
class Averages:
    """A corpus's utterances: their table, and mean and deviation of every feature column.

    Attributes:
        table: In the order of the rows below.
        speech: `(utterances, 68)`, by speaker.
        motion: `(utterances, 378)`, NaN where nothing was seen.
    """

    table: pd.DataFrame
    speech: NDArray[np.float64]
    motion: NDArray[np.float64]

    @classmethod
    def of(cls, corpus: Twin, workers: int) -> "Averages":
        """Extract a whole corpus."""
        table = pd.concat([corpus.table(session) for session in corpus.sessions()])
        table = table[table["emotion"].notna()]
        pairs = table[["session", "dialogue"]].drop_duplicates().itertuples(index=False, name=None)
        with ProcessPoolExecutor(workers) as pool:
            averages = {
                name: (speech, motion)
                for rows in pool.map(partial(_averages, corpus), pairs)
                for name, speech, motion in rows
            }
        speech, motion = (
            np.stack([averages[name][i] for name in table["utterance_id"]]) for i in range(2)
        )
        by_speaker = pd.DataFrame(speech).groupby(table["speaker"].to_numpy())
        scaled = (speech - by_speaker.transform("mean")) / by_speaker.transform("std")
        return cls(table, scaled.to_numpy(), motion)

    def take(self, rows: NDArray[np.bool_]) -> "Averages":
        """Some of the utterances."""
        return Averages(self.table[rows], self.speech[rows], self.motion[rows])


def _averages(
    corpus: Twin, where: tuple[str, str]
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Id, speech and motion of a dialogue's utterances."""
    rows = []
    for recording in corpus.recordings(*where):
        speech = short_term(recording.samples, recording.sample_rate_hz, 0.2, 0.1)
        motion = np.full(2 * 189, np.nan)
        if recording.motion is not None:
            seen = parts(recording.motion, 200)
            valid = ~np.isnan(seen)
            count = np.maximum(valid.sum(axis=0), 1)
            mean = np.where(valid, seen, 0).sum(axis=0) / count
            deviation = np.sqrt((np.where(valid, seen - mean, 0) ** 2).sum(axis=0) / count)
            motion = np.concatenate([mean, deviation])
            motion[np.tile(~valid.any(axis=0), 2)] = np.nan
        rows.append(
            (recording.utterance_id, np.concatenate([speech.mean(0), speech.std(0)]), motion)
        )
    return rows


def inputs(train: Averages, tests: dict[str, Averages]) -> Iterator[tuple[str, list[object]]]:
    """Name of each single input, and its matrices: the training part's, then each test part's."""
    every = [train, *tests.values()]
    tfidf = TfidfVectorizer(ngram_range=(1, 2)).fit(train.table["transcript"])
    yield "text", [tfidf.transform(part.table["transcript"]) for part in every]
    yield "speech", [part.speech for part in every]
    scaler = StandardScaler().fit(train.motion)
    motion = [_SHRINK * np.nan_to_num(scaler.transform(part.motion)) for part in every]
    for name, columns in STREAMS.items():
        both = np.r_[columns, columns.start + 189 : columns.stop + 189]
        yield name, [part[:, both] for part in motion]
    yield "motion", motion


def scores(train: Averages, tests: dict[str, Averages]) -> Iterator[tuple[str, list[str]]]:
    """Name of each input, and accuracy (UAR) on each test part; joint inputs add logarithms."""
    single = {}
    for name, (fitted, *scored) in inputs(train, tests):
        model = LogisticRegression(max_iter=2000).fit(fitted, train.table["emotion"])
        single[name] = [model.predict_log_proba(matrix) for matrix in scored]
    for name in IEMOCAP:
        cells = []
        for i, part in enumerate(tests.values()):
            joint = np.sum([single[modality][i] for modality in name.split(" + ")], axis=0)
            predicted = model.classes_[joint.argmax(axis=1)]
            accuracy = (predicted == part.table["emotion"].to_numpy()).mean()
            recall = recall_score(part.table["emotion"], predicted, average="macro")
            cells.append(f"{100 * accuracy:.1f} ({100 * recall:.1f})")
        yield name, cells


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--fresh", type=int, default=0, help="new utterances to score besides")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    twin = Twin(arguments.seed, arguments.scale)
    own = Averages.of(twin, arguments.workers)
    last = (own.table["session"] == "5").to_numpy()
    train, tests = own.take(~last), {"Session 5": own.take(last)}
    if arguments.fresh:
        drawn = Averages.of(twin.draw(arguments.fresh, seed=1), arguments.workers)
        tests["known"] = drawn.take((drawn.table["session"] != "5").to_numpy())
        tests["fresh"] = Averages.of(twin.fresh(arguments.fresh, seed=1), arguments.workers)
    print(f"extracted in {time.monotonic() - began:.1f} s")
    print(f"{'input':24}" + "".join(f"{name + ' (UAR)':>20}" for name in tests) + "    IEMOCAP")
    for name, cells in scores(train, tests):
        line = f"{name:24}" + "".join(f"{cell:>20}" for cell in cells)
        print(f"{line}    {IEMOCAP[name]}", flush=True)


if __name__ == "__main__":
    main()
