"""What the twin's dialogues tell a plain classifier, beside what IEMOCAP's do.

Logistic regression, fitted on Sessions 1 to 4, Session 5 scored: tf-idf of 1- and 2-grams of the
turn, of the turns before and, separately, of those after (each side's words joined; turns of every
label, but of their words alone), and means and deviations of the short-term features of the turn's
speech, scaled by its speaker.

    python benchmarks/twin_dialogues.py
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

from emotion_hpo.corpus import Twin
from emotion_hpo.corpus.twin import voice
from emotion_hpo.corpus.twin.table import acts, twin_table
from emotion_hpo.features.speech import short_term

#: Turns before and after → accuracy on IEMOCAP in %: text, text and 47 GeMAPS functionals.
IEMOCAP = {
    (0, 0): (64.5, 71.6),
    (3, 0): (71.1, 75.9),
    (8, 0): (74.9, 79.0),
    (3, 3): (74.6, 78.3),
    (10, 10): (76.3, 80.5),
}


def words_around(table: pd.DataFrame, before: int, after: int) -> list["pd.Series[str]"]:
    """Each turn's own words, those of the turns before, and those after; sides of none left out."""
    by_dialogue = table.groupby("dialogue")["transcript"]
    sides = []
    for n, step in ((before, 1), (after, -1)):
        joined = pd.Series("", index=table.index)
        for distance in range(1, n + 1):
            joined = joined + " " + by_dialogue.shift(step * distance).fillna("")
        sides += [joined] if n else []
    return [table["transcript"], *sides]


def speech(twin: Twin, session: str) -> NDArray[np.float64]:
    """Means and deviations `(turns, 68)` of a session's speech; motion is not synthesised."""
    rows = twin_table(twin.seed, twin.scale, twin.extra)
    rows = rows[rows["session"] == session]
    voices = {name: voice.voice(twin.seed, name) for name in rows["speaker"].unique()}
    heard = []
    for _, speaker, act in acts(rows, ""):
        samples = voice.speak(twin.seed, act, voices[speaker])
        frames = short_term(samples, voice.SAMPLE_RATE_HZ, 0.2, 0.1)
        heard.append(np.concatenate([frames.mean(axis=0), frames.std(axis=0)]))
    return np.array(heard)


def scores(
    table: pd.DataFrame, heard: NDArray[np.float64]
) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """Turns before and after, and accuracy (UAR) from text, and from text and speech.

    Args:
        table: All turns, in the order of dialogue and time.
        heard: Functionals of each, scaled by its speaker.
    """
    labelled = table["emotion"].notna().to_numpy()
    train, test = (np.flatnonzero(labelled & ((table["session"] == "5") == last).to_numpy())
                   for last in (False, True))  # fmt: skip
    truth = table["emotion"].to_numpy()
    for before, after in IEMOCAP:
        sides = []
        for words in words_around(table, before, after):
            tfidf = TfidfVectorizer(ngram_range=(1, 2)).fit(words.iloc[train])
            sides.append(tfidf.transform(words))
        cells = []
        for matrix in (hstack(sides), hstack([*sides, csr_matrix(heard)])):
            inputs = csr_matrix(matrix)
            model = LogisticRegression(max_iter=2000).fit(inputs[train], truth[train])
            predicted = model.predict(inputs[test])
            accuracy = (predicted == truth[test]).mean()
            recall = recall_score(truth[test], predicted, average="macro")
            cells.append(f"{100 * accuracy:.1f} ({100 * recall:.1f})")
        yield (before, after), cells


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    twin = Twin(arguments.seed)
    table = pd.concat([twin.table(session) for session in twin.sessions()], ignore_index=True)
    with ProcessPoolExecutor(arguments.workers) as pool:
        heard = pd.DataFrame(np.concatenate(list(pool.map(partial(speech, twin), twin.sessions()))))
    by_speaker = heard.groupby(table["speaker"].to_numpy())
    table = table.join((heard - by_speaker.transform("mean")) / by_speaker.transform("std"))
    table = table.sort_values(["dialogue", "turn"], ignore_index=True)
    print("turns before, after            text   IEMOCAP         text + speech   IEMOCAP")
    for around, (text, both) in scores(table, table[heard.columns].to_numpy()):
        real = IEMOCAP[around]
        place = f"{around[0]}, {around[1]}"
        print(f"{place:20}{text:>16}{real[0]:>10.1f}{both:>22}{real[1]:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
