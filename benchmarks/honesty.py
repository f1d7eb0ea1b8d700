"""Whether what `search` promises of its winner is true: `python benchmarks/honesty.py`.

On the synthetic twin the truth can be drawn. Many small complete studies (30 trials of 10 epochs)
are searched, each on development data of its own; their winner's score is promised by the project's
own statistics (`metrics.correct_winner_score`) and held against its accuracy on at least
20,000 utterances that the study has not seen; so is that of the greedy ensemble of its trials
(`metrics.correct_ensemble_score`). They are the rest of the pool that its own were drawn
from at random, so that nothing but the study's luck sets the two apart. Last, an ensemble of each
study's trials is held against its winner on fresh voices, both retrained on all of the development
data. All figures are synthetic.

    python benchmarks/honesty.py --studies 100 --truth 20000 --pool 25000

A study stays in a file; the table is made anew from all files in seconds.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from small_studies.kept import Kept
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

#: Utterances of a study's development part under `split=paper`; a fifth validates.
N_DEVELOPMENT = 3000
#: Sessions of a study whose voices are new: IEMOCAP's less the sealed one; 250 utterances each.
N_SESSIONS = 4
#: Confirmation: leaders, and fresh seeds of each.
N_LEADERS, N_SEEDS = 3, 3

#: Split → truth → what a row of the table is about.
ROWS = {
    "paper": {
        "same": "paper: the speakers of its validation part",
        "own": "paper: all development speakers",
        "new": "paper: voices never heard",
    },
    "confirmed": {"same": "paper, confirmed: the same speakers"},
    "session": {"new": "session: voices never heard"},
    "loso": {"new": "loso: voices never heard"},
}

#: The same of the greedy ensemble of the trials.
ENSEMBLES = {
    "paper": {
        "ensemble_same": "paper, ensemble: the speakers of its validation",
        "ensemble_new": "paper, ensemble: voices never heard",
    },
    "session": {"ensemble_new": "session, ensemble: voices never heard"},
    "loso": {"ensemble_new": "loso, ensemble: voices never heard"},
}


def table(kept: Mapping[str, Sequence[Kept]]) -> str:
    """Mean errors with standard errors, coverage and width; and what ensembles gain."""
    head = f"{'promise: truth':<48}{'studies':>8}{'truth':>7}{'best value':>15}{'expected':>15}"
    lines = [f"{head}{'covered':>10}{'width':>7}"]
    both = [
        *((split, rows, Kept.expected) for split, rows in ROWS.items()),
        *((split, rows, Kept.expected_of_ensemble) for split, rows in ENSEMBLES.items()),
    ]
    for split, rows, expect in both:
        studies = kept[split]
        if not studies:
            continue
        expectations = [expect(study) for study in studies]
        column = {
            name: np.array([getattr(expectation, name) for expectation in expectations])
            for name in ("plain", "value")
        }
        low, high = np.array([expectation.interval.ends for expectation in expectations]).T
        for name, words in rows.items():
            truth = np.array([study.truths[name] for study in studies])
            cells = []
            for key in ("plain", "value"):
                error = 100 * (column[key] - truth)
                cells.append(f"{error.mean():+.2f} ± {error.std() / len(error) ** 0.5:.2f}")
            covered = (low <= truth) & (truth <= high)
            width = 100 * (high - low).mean()
            lines.append(
                f"{words:<48}{len(studies):>8}{100 * truth.mean():>7.1f}{cells[0]:>15}"
                f"{cells[1]:>15}{100 * covered.mean():>8.0f} %{width:>7.1f}"
            )
    if unchosen := [study.unchosen() - study.truths["unchosen"] for study in kept["paper"]]:
        error = 100 * np.array(unchosen)
        lines.append(
            "paper, all trials after their last epoch, where nothing was chosen: validation less "
            f"truth {error.mean():+.2f} ± {error.std() / len(error) ** 0.5:.2f}"
        )
    gains = np.array([study.truths["gain"] for study in kept["session"]])
    tens = [int((gains[at : at + 10] > 0).sum()) for at in range(0, len(gains) // 10 * 10, 10)]
    if len(gains):
        lines.append(
            f"ensemble less single winner on fresh voices: {100 * gains.mean():+.2f} points, "
            f"better in {(gains > 0).sum()} of {len(gains)} studies; in each ten of them: {tens}"
        )
    return "\n".join(lines)


def development(pool: Pool, rng: np.random.Generator) -> tuple[Pool, NDArray[np.bool_]]:
    """A new corpus of the known speakers, and which utterances of the pool are not in it.

    Any session may be the last, whose rows validate.
    """
    rows = np.sort(rng.choice(len(pool), min(N_DEVELOPMENT, len(pool) // 2), replace=False))
    unseen = np.ones(len(pool), bool)
    unseen[rows] = False
    sessions = pool.table["session"].to_numpy()[rows]
    place = {name: where for where, name in enumerate(rng.permutation(np.unique(sessions)))}
    order = np.argsort([place[session] for session in sessions], kind="stable")
    return pool.take(rows[order]), unseen


def sessions_of(pool: Pool, rng: np.random.Generator) -> tuple[Pool, NDArray[np.bool_]]:
    """A new corpus of new speakers, some sessions of a pool of very many; and the other rows."""
    names = pool.table["session"].to_numpy()
    chosen = np.isin(names, rng.choice(np.unique(names), N_SESSIONS, replace=False))
    return pool.take(np.flatnonzero(chosen)), ~chosen


def paper_study(
    known: Pool, reader: Reader, heard: Truth, new: Truth, seed: int
) -> dict[str, Kept]:
    """One study under `split=paper`, and the confirmation of its leaders."""
    rng = np.random.default_rng([seed, 0])
    part, unseen = development(known, rng)
    study = Study.searched(part, reader, paper_parts(part), rng)
    same = unseen & (heard.sessions == part.table["session"].iloc[-1])
    kept = study.kept({
        "same": study.truth(study.winner, heard, same),
        "unchosen": study.unchosen_truth(heard, same),
        "own": study.truth(study.winner, heard, unseen),
        "new": study.truth(study.winner, new),
        **ensemble_truths(study, {"same": (heard, same), "new": (new, None)}),
    })  # fmt: skip
    return {"paper": kept, "confirmed": confirmed(study, part, reader, heard, same, rng)}


def confirmed(
    study: Study,
    part: Pool,
    reader: Reader,
    heard: Truth,
    same: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Kept:
    """The leaders over fresh seeds, and the truth about the confirmed winner: the seeds' mean."""
    leaders = np.repeat(study.leaders(N_LEADERS), N_SEEDS)
    params = study.params.take(leaders)
    again = Study.searched(part, reader, paper_parts(part), rng, params)
    kept = again.kept({}, N_SEEDS)
    winner = kept.expected().winner
    seeds = range(N_SEEDS * winner, N_SEEDS * (winner + 1))
    truths = {"same": float(np.mean([again.truth(seed, heard, same) for seed in seeds]))}
    return again.kept(truths, N_SEEDS)


def session_study(fresh: Pool, reader: Reader, new: Truth, seed: int) -> dict[str, Kept]:
    """One study of new voices, each session validating once; and what its ensemble gains.

    The truth is on all of the pool's other sessions: voices that the study has not heard.
    """
    rng = np.random.default_rng([seed, 1])
    part, unheard = sessions_of(fresh, rng)
    study = Study.searched(part, reader, session_parts(part), rng)
    truths = {
        "new": study.truth(study.winner, new, unheard),
        **ensemble_truths(study, {"new": (new, unheard)}),
        "gain": ensemble_gain(study, part, reader, new, unheard, rng),
    }
    return {"session": study.kept(truths)}


def loso_study(fresh: Pool, reader: Reader, new: Truth, seed: int) -> dict[str, Kept]:
    """One study of the same new voices, each speaker validating once."""
    part, unheard = sessions_of(fresh, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    study = Study.searched(part, reader, speaker_parts(part), rng)
    truths = {
        "new": study.truth(study.winner, new, unheard),
        **ensemble_truths(study, {"new": (new, unheard)}),
    }
    return {"loso": study.kept(truths)}


def ensemble_truths(
    study: Study, about: Mapping[str, tuple[Truth, NDArray[np.bool_] | None]]
) -> dict[str, float]:
    """Accuracy of the study's ensemble on new utterances, as `ensemble_…`."""
    weights = study.kept({}).weights()
    return {
        f"ensemble_{name}": study.ensemble_truth(weights, truth, rows)
        for name, (truth, rows) in about.items()
    }


def ensemble_gain(
    study: Study,
    part: Pool,
    reader: Reader,
    new: Truth,
    unheard: NDArray[np.bool_],
    rng: np.random.Generator,
) -> float:
    """Accuracy of the ensemble less that of the winner; every member is retrained on everything."""
    winner = study.winner
    weights = study.kept({}).weights()
    members = np.flatnonzero(weights)
    trials = np.unique([*members, winner])
    inputs, seed = reader(part), int(rng.integers(2**31))
    labels_all = torch.from_numpy(part.labels)
    networks = train(inputs, labels_all, study.params.take(trials), N_EPOCHS, seed)
    again = {}
    for place, trial in enumerate(trials):
        epoch = int(np.median(list(study.best_epochs(int(trial)).values())))
        again[trial] = new.answers(networks, place, epoch)
    combined = np.tensordot(weights[members], np.stack([again[member] for member in members]), 1)
    return new.accuracy(combined, unheard) - new.accuracy(again[winner], unheard)


def main() -> None:
    """Run the studies that have no file yet, and print the table of all that have one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--studies", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="number of the first study")
    parser.add_argument("--splits", nargs="+", default=["paper", "session", "loso"])
    parser.add_argument("--truth", type=int, default=2000, help="utterances of the truth at least")
    parser.add_argument("--pool", type=int, default=5000, help="utterances to make studies of")
    parser.add_argument("--pools", type=Path, default=Path("studies/honesty"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder, n = options.pools, options.truth + options.pool
    # Of the known speakers a quarter is Session 5's, which no study may hear.
    draws = {1: round(1.3 * options.truth), 2: options.pool}
    known = Pool.joined(
        [Pool.of(folder, size, seed=seed, known=True) for seed, size in draws.items()]
    )
    fresh = Pool.of(folder, n, seed=3, known=False)
    reader = Reader.of(fresh)
    heard, new = Truth.of(known, reader), Truth.of(fresh, reader)
    study_of = {
        "paper": partial(paper_study, known, reader, heard, new),
        "session": partial(session_study, fresh, reader, new),
        "loso": partial(loso_study, fresh, reader, new),
    }
    home = folder / f"studies_{n}"
    home.mkdir(exist_ok=True)
    numbers = range(options.first, options.first + options.studies)
    for seed in numbers:
        for split in options.splits:
            if not (home / f"{split}_{seed}.npz").exists():
                study = study_of[split](seed)
                for name in reversed(study):  # the split itself last: then all of them are there
                    study[name].save(home / f"{name}_{seed}.npz")
    print(f"Truth: the rest of {len(known)} utterances of known speakers, of {len(fresh)} of fresh "
          "ones. All synthetic, in points of accuracy.")  # fmt: skip
    files = {split: [home / f"{split}_{seed}.npz" for seed in numbers] for split in ROWS}
    print(table({
        split: [Kept.load(path) for path in paths if path.exists()]
        for split, paths in files.items()
    }))  # fmt: skip


if __name__ == "__main__":
    main()
