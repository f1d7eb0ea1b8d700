"""Whether what `search` promises of its winner is true: `python benchmarks/honesty.py`.

On the synthetic twin the truth can be drawn. Many small complete studies (30 trials of 10 epochs)
are searched, each on development data of its own; their winner's score is promised by the project's
own statistics (`metrics.correct_winner_score`) and held against its accuracy on thousands of
utterances that the study has not seen; so is that of the greedy ensemble of its trials, with and
without the baseline as a candidate (`metrics.correct_ensemble_score`). They are the rest of the
pool that its own dialogues were drawn from at random, so that nothing but the study's luck sets the
two apart. With `--context` the networks read the turns before an utterance as well. Last, an
ensemble of each study's trials is held against its winner on fresh voices, both retrained on all of
the development data. All figures are synthetic.

    python benchmarks/honesty.py --studies 100 --known 26000 --fresh 12000 [--context]

A study stays in a file; the table is made anew from all files in minutes.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
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

#: The same of the greedy ensemble of the trials, and of that in which the baseline may be.
_ABOUT = {"same": "the speakers of its validation", "new": "voices never heard"}
ENSEMBLES, WITH_BASELINE = (
    {
        split: {f"{prefix}_{name}": f"{split}, {words}: {_ABOUT[name]}" for name in names}
        for split, names in {
            "paper": ("same", "new"),
            "session": ("new",),
            "loso": ("new",),
        }.items()
    }
    for prefix, words in (("ensemble", "ensemble"), ("baseline", "ensemble, baseline"))
)


def table(kept: Mapping[str, Sequence[Kept]]) -> str:
    """Mean errors with standard errors, coverage and width; and what ensembles gain.

    The second coverage allows for the truth's own error, which is of so many dialogues as well. The
    last error is the expected score's, less that of all trials where nothing is chosen: how easy a
    validation part is, by luck, is the same in both.
    """
    head = f"{'promise: truth':<60}{'studies':>8}{'truth':>7}{'best value':>15}{'expected':>15}"
    lines = [f"{head}{'covered':>10}{'exactly':>10}{'width':>7}{'less luck':>15}"]
    both = [
        *((split, rows, Kept.expected) for split, rows in ROWS.items()),
        *(
            (split, rows, partial(Kept.expected_of_ensemble, with_baseline=with_baseline))
            for with_baseline, table in ((False, ENSEMBLES), (True, WITH_BASELINE))
            for split, rows in table.items()
        ),
    ]
    for split, rows, expect in both:
        studies = kept[split]
        if not studies:
            continue
        expectations = [expect(study) for study in studies]
        plain, value = (
            np.array([getattr(expectation, name) for expectation in expectations])
            for name in ("plain", "value")
        )
        searched = kept["paper" if split == "confirmed" else split]  # of the same utterances
        luck = np.array([study.unchosen() - study.truths["unchosen"] for study in searched])
        low, high = np.array([expectation.interval.ends for expectation in expectations]).T
        for name, words in rows.items():
            truth = np.array([study.truths[name] for study in studies])
            cells = [_error(error) for error in (plain - truth, value - truth)]
            error, half = np.abs(value - truth), (high - low) / 2
            n_judged = np.array([expectation.n_dialogues for expectation in expectations])
            n_true = np.full(len(error), np.inf)
            if name.endswith("same") or split in (
                "session",
                "loso",
            ):  # others are of far more dialogues
                n_true[:] = [study.truths["dialogues"] for study in searched][: len(error)]
            covered, exactly = error <= half, error <= half * np.sqrt(1 + n_judged / n_true)
            lines.append(
                f"{words:<60}{len(studies):>8}{100 * truth.mean():>7.1f}{cells[0]:>15}"
                f"{cells[1]:>15}{100 * covered.mean():>8.0f} %{100 * exactly.mean():>8.0f} %"
                f"{200 * half.mean():>7.1f}"
                f"{_error(value - truth - luck[: len(truth)]):>15}"
            )
    for split, name in (("paper", "same"), ("session", "new"), ("loso", "new")):
        if studies := kept[split]:
            trials = _error([study.unchosen() - study.truths["unchosen"] for study in studies])
            baseline = _error([
                study.baseline_value() - study.truths[f"linear_{name}"] for study in studies
            ])  # fmt: skip
            lines.append(
                f"{split}, where nothing was chosen, validation less truth: all trials after their "
                f"last epoch {trials}, the baseline {baseline}"
            )
    gains = np.array([study.truths["gain"] for study in kept["session"]])
    tens = [int((gains[at : at + 10] > 0).sum()) for at in range(0, len(gains) // 10 * 10, 10)]
    if len(gains):
        lines.append(
            f"ensemble less single winner on fresh voices: {100 * gains.mean():+.2f} points, "
            f"better in {(gains > 0).sum()} of {len(gains)} studies; in each ten of them: {tens}"
        )
    return "\n".join(lines)


def _error(differences: ArrayLike) -> str:
    """Mean with its standard error, in points."""
    points = 100 * np.asarray(differences)
    return f"{points.mean():+.2f} ± {points.std() / len(points) ** 0.5:.2f}"


def development(pool: Pool, rng: np.random.Generator) -> tuple[Pool, NDArray[np.bool_]]:
    """A new corpus of the known speakers, and which utterances of the pool are not in it.

    Whole dialogues of the pool, a quarter of them in each session. Any session may be the last,
    whose rows validate.
    """
    dialogues, sessions = (pool.table[name].to_numpy(str) for name in ("dialogue", "session"))
    rows: list[NDArray[np.int64]] = []
    for session in rng.permutation(np.unique(sessions)):
        own = rng.permutation(np.unique(dialogues[sessions == session]))
        sizes = np.array([(dialogues == name).sum() for name in own])
        n_chosen = int((sizes.cumsum() < N_DEVELOPMENT / N_SESSIONS).sum()) + 1
        rows.append(np.flatnonzero(np.isin(dialogues, own[:n_chosen])))
    unseen = np.ones(len(pool), bool)
    unseen[np.concatenate(rows)] = False
    return pool.take(np.concatenate(rows)), unseen


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
    last = part.table.iloc[np.flatnonzero(paper_parts(part)["validation"])]
    # As validation's, of the session's last dialogues: those before are other scenes
    is_same = unseen & (heard.sessions == last["session"].iloc[-1])
    is_same &= heard.dialogues > last["dialogue"].iloc[0]
    same = heard.take(is_same)
    kept = study.kept({
        "same": study.truth(study.winner, same),
        "unchosen": study.unchosen_truth(same),
        "own": study.truth(study.winner, heard.take(unseen)),
        "new": study.truth(study.winner, new),
        "linear_same": study.baseline_truth(same),
        "dialogues": same.n_dialogues,
        **ensemble_truths(study, {"same": same, "new": new}),
    })  # fmt: skip
    return {"paper": kept, "confirmed": confirmed(study, part, reader, same, rng)}


def confirmed(
    study: Study, part: Pool, reader: Reader, same: Truth, rng: np.random.Generator
) -> Kept:
    """The leaders over fresh seeds, and the truth about the confirmed winner: the seeds' mean."""
    leaders = np.repeat(study.leaders(N_LEADERS), N_SEEDS)
    params = study.params.take(leaders)
    again = Study.searched(part, reader, paper_parts(part), rng, params, with_baseline=False)
    winner = again.kept({}, N_SEEDS).expected().winner
    seeds = range(N_SEEDS * winner, N_SEEDS * (winner + 1))
    return again.kept(
        {"same": float(np.mean([again.truth(seed, same) for seed in seeds]))}, N_SEEDS
    )


def session_study(fresh: Pool, reader: Reader, new: Truth, seed: int) -> dict[str, Kept]:
    """One study of new voices, each session validating once; and what its ensemble gains.

    The truth is on all of the pool's other sessions: voices that the study has not heard.
    """
    rng = np.random.default_rng([seed, 1])
    part, is_unheard = sessions_of(fresh, rng)
    study, unheard = Study.searched(part, reader, session_parts(part), rng), new.take(is_unheard)
    truths = truths_of_new(study, unheard)
    truths["gain"] = ensemble_gain(study, part, reader, unheard, rng)
    return {"session": study.kept(truths)}


def loso_study(fresh: Pool, reader: Reader, new: Truth, seed: int) -> dict[str, Kept]:
    """One study of the same new voices, each speaker validating once."""
    part, is_unheard = sessions_of(fresh, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    study = Study.searched(part, reader, speaker_parts(part), rng)
    return {"loso": study.kept(truths_of_new(study, new.take(is_unheard)))}


def truths_of_new(study: Study, unheard: Truth) -> dict[str, float]:
    """What a study's models come to on voices that it has not heard."""
    return {
        "new": study.truth(study.winner, unheard),
        "unchosen": study.unchosen_truth(unheard),
        "linear_new": study.baseline_truth(unheard),
        "dialogues": unheard.n_dialogues,
        **ensemble_truths(study, {"new": unheard}),
    }


def ensemble_truths(study: Study, about: Mapping[str, Truth]) -> dict[str, float]:
    """Accuracy of the study's ensembles on new utterances: `ensemble_…`, `baseline_…`."""
    kept = study.kept({})
    return {
        f"{prefix}_{name}": study.ensemble_truth(
            kept.weights(with_baseline=prefix == "baseline"), truth
        )
        for prefix in ("ensemble", "baseline")
        for name, truth in about.items()
    }


def ensemble_gain(
    study: Study,
    part: Pool,
    reader: Reader,
    unheard: Truth,
    rng: np.random.Generator,
) -> float:
    """Accuracy of the ensemble less that of the winner; every member is retrained on everything."""
    winner = study.winner
    weights = study.kept({}).weights(with_baseline=False)
    members = np.flatnonzero(weights)
    trials = np.unique([*members, winner])
    inputs, seed = reader(part), int(rng.integers(2**31))
    labels_all = torch.from_numpy(part.labels)
    networks = train(inputs, labels_all, study.params.take(trials), N_EPOCHS, seed)
    again = {}
    for place, trial in enumerate(trials):
        epoch = int(np.median(list(study.best_epochs(int(trial)).values())))
        again[trial] = unheard.answers(networks, place, epoch)
    combined = np.tensordot(weights[members], np.stack([again[member] for member in members]), 1)
    return unheard.accuracy(combined) - unheard.accuracy(again[winner])


def main() -> None:
    """Run the studies that have no file yet, and print the table of all that have one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--studies", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="number of the first study")
    parser.add_argument("--splits", nargs="+", default=["paper", "session", "loso"])
    parser.add_argument("--known", type=int, default=8000, help="utterances of known speakers")
    parser.add_argument("--fresh", type=int, default=3000, help="utterances of others")
    parser.add_argument("--context", action="store_true", help="read the turns before, too")
    parser.add_argument("--pools", type=Path, default=Path("studies/honesty"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.pools
    # Of the known speakers a quarter is Session 5's, which no study may hear.
    known = Pool.of(folder, options.known, seed=1, known=True)
    fresh = Pool.of(folder, options.fresh, seed=3, known=False)
    reader = Reader.of(fresh, in_dialogues=options.context)
    heard, new = Truth.of(known, reader), Truth.of(fresh, reader)
    study_of = {
        "paper": partial(paper_study, known, reader, heard, new),
        "session": partial(session_study, fresh, reader, new),
        "loso": partial(loso_study, fresh, reader, new),
    }
    home = folder / f"{'dialogues' if options.context else 'utterances'}_{len(known) + len(fresh)}"
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
