"""Whether what `search` promises of its winner is true: `python benchmarks/honesty.py`.

On the synthetic twin the truth can be drawn. Many small complete studies (30 trials of 10 epochs)
are searched, each on development data of its own; their winner's score is promised by the project's
own statistics (`emotion_hpo.metrics.expected_score`) and held against its accuracy on at least
20,000 utterances that nobody has seen. Last, an ensemble of each study's trials is held against its
winner on fresh voices, both retrained on all of the development data. All figures are synthetic.

    python benchmarks/honesty.py --studies 100 --truth 20000 --pool 25000
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from small_studies.networks import Reader, train
from small_studies.pools import Pool
from small_studies.study import (
    N_EPOCHS,
    Study,
    Truth,
    paper_parts,
    session_parts,
    speaker_parts,
)

from emotion_hpo.decision import greedy_selection
from emotion_hpo.metrics import Expected

#: Utterances of a study's development part under `split=paper`; a fifth validates.
N_DEVELOPMENT = 3000
#: Sessions of a study whose voices are new: IEMOCAP's less the sealed one; 250 utterances each.
N_SESSIONS = 4

#: What a row of the table is about.
ROWS = {
    "same": "paper: the speakers of its validation part",
    "own": "paper: all development speakers",
    "paper_new": "paper: voices never heard",
    "session": "session: voices never heard",
    "loso": "loso: voices never heard",
}


#: What one study promised against one kind of truth: best value, expected, its interval, truth.
Promise = dict[str, float]


def promise(expected: Expected, truth: float) -> Promise:
    """As a line of the results holds it."""
    return {
        "plain": expected.plain,
        "expected": expected.value,
        "low": expected.low,
        "high": expected.high,
        "truth": truth,
    }


def table(studies: Sequence[Mapping[str, Any]]) -> str:
    """Mean errors with standard errors, coverage and width; and what ensembles gain."""
    head = f"{'promise: truth':<46}{'studies':>8}{'truth':>7}{'best value':>15}{'expected':>15}"
    lines = [f"{head}{'covered':>10}{'width':>7}"]
    for name, words in ROWS.items():
        rows = [one["promises"][name] for one in studies if name in one["promises"]]
        if not rows:
            continue
        column = {key: np.array([one[key] for one in rows]) for key in rows[0]}
        told = []
        for key in ("plain", "expected"):
            error = 100 * (column[key] - column["truth"])
            told.append(f"{error.mean():+.2f} ± {error.std() / len(error) ** 0.5:.2f}")
        covered = (column["low"] <= column["truth"]) & (column["truth"] <= column["high"])
        width = 100 * (column["high"] - column["low"]).mean()
        lines.append(
            f"{words:<46}{len(rows):>8}{100 * column['truth'].mean():>7.1f}{told[0]:>15}"
            f"{told[1]:>15}{100 * covered.mean():>8.0f} %{width:>7.1f}"
        )
    gains = np.array([one["gain"] for one in studies])
    tens = [int((gains[at : at + 10] > 0).sum()) for at in range(0, len(gains) // 10 * 10, 10)]
    lines.append(
        f"ensemble less single winner on fresh voices: {100 * gains.mean():+.2f} points, better in "
        f"{(gains > 0).sum()} of {len(gains)} studies; in each ten of them: {tens}"
    )
    return "\n".join(lines)


def development(pool: Pool, rng: np.random.Generator) -> Pool:
    """A new corpus of the known speakers; any session may be the last, whose rows validate."""
    rows = np.sort(rng.choice(len(pool), min(N_DEVELOPMENT, len(pool)), replace=False))
    sessions = pool.table["session"].to_numpy()[rows]
    place = {name: where for where, name in enumerate(rng.permutation(np.unique(sessions)))}
    order = np.argsort([place[one] for one in sessions], kind="stable")
    return pool.take(rows[order])


def sessions_of(pool: Pool, rng: np.random.Generator) -> Pool:
    """A new corpus of new speakers: some sessions of a pool of very many."""
    names = pool.table["session"].to_numpy()
    chosen = rng.choice(np.unique(names), N_SESSIONS, replace=False)
    return pool.take(np.flatnonzero(np.isin(names, chosen)))


def paper_study(
    pool: Pool, reader: Reader, known: Truth, new: Truth, seed: int
) -> dict[str, Promise]:
    """One study under `split=paper`."""
    rng = np.random.default_rng([seed, 0])
    part = development(pool, rng)
    study = Study.searched(part, reader, paper_parts(part), rng)
    expected = study.expected()
    validated = known.sessions == part.table["session"].iloc[-1]
    return {
        "same": promise(expected, study.truth(expected.winner, known, validated)),
        "own": promise(expected, study.truth(expected.winner, known)),
        "paper_new": promise(expected, study.truth(expected.winner, new)),
    }


def fresh_study(
    pool: Pool, reader: Reader, new: Truth, seed: int, *, by_speaker: bool
) -> tuple[dict[str, Promise], float]:
    """One study of new voices, judged by session or also by speaker; what its ensemble gains.

    The truth is on all of the pool's other sessions: voices that the study has not heard.
    """
    rng = np.random.default_rng([seed, 1])
    part = sessions_of(pool, rng)
    unheard = ~np.isin(new.sessions, part.table["session"].unique())
    study = Study.searched(part, reader, session_parts(part), rng)
    expected = study.expected()
    found = {"session": promise(expected, study.truth(expected.winner, new, unheard))}
    gain = ensemble_gain(study, expected.winner, part, reader, new, unheard, rng)
    if by_speaker:
        alone = Study.searched(part, reader, speaker_parts(part), rng)
        second = alone.expected()
        found["loso"] = promise(second, alone.truth(second.winner, new, unheard))
    return found, gain


def ensemble_gain(
    study: Study,
    winner: int,
    part: Pool,
    reader: Reader,
    new: Truth,
    unheard: NDArray[np.bool_],
    rng: np.random.Generator,
) -> float:
    """Accuracy of the ensemble less that of the winner; every member is retrained on everything."""
    answers, labels = study.validation()
    weights = greedy_selection(answers, labels)
    members = np.flatnonzero(weights)
    trials = np.unique([*members, winner])
    inputs, seed = reader(part), int(rng.integers(2**31))
    labels_all = torch.from_numpy(part.labels)
    networks = train(inputs, labels_all, study.params.take(trials), N_EPOCHS, seed)
    again = {}
    for place, trial in enumerate(trials):
        epoch = int(np.median(list(study.best_epochs(int(trial)).values())))
        again[trial] = new.answers(networks, place, epoch)
    combined = np.tensordot(weights[members], np.stack([again[one] for one in members]), 1)
    return new.accuracy(combined, unheard) - new.accuracy(again[winner], unheard)


def main() -> None:
    """Run the studies that are not in the file of results, and print the table of all that are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--studies", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="number of the first study")
    parser.add_argument("--loso", type=int, default=3, help="studies also judged by speaker")
    parser.add_argument("--truth", type=int, default=2000, help="utterances drawn for the truth")
    parser.add_argument("--pool", type=int, default=5000, help="utterances to make studies of")
    parser.add_argument("--pools", type=Path, default=Path("studies/honesty"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.pools
    # Of the known speakers a fifth is Session 5's, which no study may hear.
    known = Pool.of(folder, round(1.3 * options.truth), seed=1, known=True)
    known_pool = Pool.of(folder, options.pool, seed=2, known=True)
    fresh = Pool.of(folder, options.truth + options.pool, seed=3, known=False)
    reader = Reader.of(fresh)
    known_truth, new = Truth.of(known, reader), Truth.of(fresh, reader)
    results = folder / f"results_{options.truth}_{options.pool}.jsonl"
    for seed in range(options.first, options.first + options.studies):
        if seed in {one["study"] for one in read(results)}:
            continue
        promises = paper_study(known_pool, reader, known_truth, new, seed)
        by_speaker = seed < options.loso
        more, gain = fresh_study(fresh, reader, new, seed, by_speaker=by_speaker)
        line = json.dumps({"study": seed, "promises": promises | more, "gain": gain})
        with results.open("a") as file:
            file.write(f"{line}\n")
    print(f"Truth: {len(known)} utterances of known speakers; {len(fresh)} of fresh ones, less the "
          "study's own. All synthetic, in points of accuracy.")  # fmt: skip
    print(table(read(results)))


def read(results: Path) -> list[dict[str, Any]]:
    """The studies that have been run, in order."""
    lines = results.read_text().splitlines() if results.exists() else []
    return sorted(map(json.loads, lines), key=lambda one: one["study"])


if __name__ == "__main__":
    main()
