"""How soon a search finds what random search finds: `python benchmarks/time_to_result.py`.

Our own study (slots, claims, reports, ends) searches on tables of recorded learning curves instead
of training, so that a search can be repeated fifty times. A table holds points of a grid
(`record_curves.py`): all 360 on the twin, 90 on another corpus, a fifth of a twin of another seed,
where curves are noisy and cross. A proposed configuration has the curve of the recorded point
nearest to it, on the scales that its ranges are drawn on, so that every sampler searches the same
stepped surface.

Random search trains 30 trials to their last epoch. A variant of sampler, pruner and patience, as
`VARIANTS` lists them, may train a share of these epochs; its best is the best *complete* trial by
then, as `search` would say. Printed are the points that it is behind the same seed's random search:
the median, and the mean with its standard error. A variant is chosen by the even seeds on the twin,
and judged by the odd ones and by the other corpus. Goal of the default: within 0.5 points at 1/8.

A warm start takes 30 random trials of the other of the two corpora: for the sampler alone
(`warm_start=STUDY`), or its best ones tried first (`study.enqueue`).

    python benchmarks/time_to_result.py [--repetitions 50] [--variants NAME …] [key=value …]

Overrides make a variant of their own. Every figure is synthetic.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, Goal, format_table, hand_over
from benchmarks.record_curves import EPOCHS, TABLE, configuration
from benchmarks.simulated import best_within, random_trials, searched, table
from emotion_hpo.runtime.cores import n_cores

N_RANDOM = 30
FULL = N_RANDOM * EPOCHS
PARTS = (8, 4)  # of the epochs of random search: an eighth, a quarter
TOLERANCE = 0.5
OTHER_TABLE = TABLE.with_name("other_learning_curves.csv.gz")
TABLES = {TABLE: OTHER_TABLE, OTHER_TABLE: TABLE}  # what is searched → of a warm start


@dataclass(frozen=True)
class Variant:
    """A way to search.

    Attributes:
        overrides: Of the configuration.
        has_prior: Whether the sampler learns from the other corpus's trials.
        n_first: How many of their best ones are tried first.
    """

    overrides: tuple[str, ...] = ()
    has_prior: bool = False
    n_first: int = 0


_EAGER = ("pruner=median", "pruner.n_startup_trials=1", "pruner.n_min_trials=1")
VARIANTS = {
    "default": Variant(),
    "no pruning": Variant(("pruner=none",)),
    "no patience": Variant(("training.patience=null",)),
    "patience 5": Variant(("training.patience=5",)),
    "asha, from 1 epoch": Variant(("pruner=asha", "pruner.min_epochs=1")),
    "median, patience 5": Variant((*_EAGER, "pruner.n_warmup_epochs=1", "training.patience=5")),
    "no random start": Variant(("sampler.n_startup_trials=0",)),
    "warm start": Variant(has_prior=True),
    "best 3 of another study first": Variant(n_first=3),
    "warm start, best 3 first": Variant(has_prior=True, n_first=3),
}


def place_of(seed: int) -> tuple[str, ...]:
    """Return the overrides of a study that lies in a folder of its own."""
    return (f"study.seed={seed}", f"study.name=run_{seed}", "study.directory=/nowhere")


def random_best(path: Path, seed: int) -> float:
    """Return the best of the random trials, all trained to their last epoch."""
    size = ("sampler=random", "pruner=none", f"study.n_trials={N_RANDOM}")
    steps = [*searched(configuration(*place_of(seed), *size), table(path), FULL)]
    return best_within(steps, FULL)


def bests(path: Path, variant: Variant, seed: int) -> tuple[float, ...]:
    """Return the best complete value at each of `PARTS`."""
    size = ("study.n_trials=1000", "training.patience=auto")
    config = configuration(*place_of(seed), *size, *variant.overrides)
    is_warm = variant.has_prior or variant.n_first > 0
    others = random_trials(TABLES[path], N_RANDOM, seed, config) if is_warm else []
    if variant.n_first:
        enqueue = tuple(dict(trial.params) for trial in others[: variant.n_first])
        section = config.study.model_copy(update={"enqueue": enqueue})
        config = config.model_copy(update={"study": section})
    prior_trials = others if variant.has_prior else []
    steps = [*searched(config, table(path), FULL // min(PARTS), prior_trials)]
    return tuple(best_within(steps, FULL // part) for part in PARTS)


def cell(behind: Sequence[float]) -> str:
    """Return median, mean and standard error of points."""
    error = statistics.stdev(behind) / math.sqrt(len(behind)) if len(behind) > 1 else math.nan
    return f"{statistics.median(behind):.2f} ({statistics.fmean(behind):.2f} ± {error:.2f})"


def main() -> None:
    """Repeat every variant and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    variants = {name: VARIANTS[name] for name in options.variants}
    if options.overrides:
        variants = {" ".join(options.overrides): Variant(tuple(options.overrides))}
    seeds = range(options.repetitions)
    groups = {"even seeds": (TABLE, seeds[::2]), "odd seeds": (TABLE, seeds[1::2])}
    groups["other corpus"] = (OTHER_TABLE, seeds)
    heads = ("variant", *(f"{name}, 1/{part}" for name in groups for part in PARTS))
    print(f"synthetic; points behind the best of {N_RANDOM} random trials, {FULL} epochs: median")
    print("(mean ± standard error) over the seeds")
    rows, judged = [], {}
    with ProcessPoolExecutor(n_cores()) as pool:
        full = {path: [*pool.map(partial(random_best, path), seeds)] for path in TABLES}
        for name, variant in variants.items():
            behind = {
                path: 100
                * np.subtract(
                    np.array(full[path])[:, None],
                    [*pool.map(partial(bests, path, variant), seeds)],
                )
                for path in TABLES
            }
            columns = [
                behind[path][of, i] for path, of in groups.values() for i in range(len(PARTS))
            ]
            rows.append((name, *(cell(column.tolist()) for column in columns)))
            judged[name] = float(np.median(behind[TABLE][seeds[1::2], PARTS.index(8)]))
            print(f"    {' | '.join(rows[-1])}", file=sys.stderr, flush=True)
    print(format_table(heads, rows))
    goal = Goal("ours", at_most=TOLERANCE)
    for name, points in judged.items():
        what = f"behind random search at 1/8 of its epochs: {name}"
        hand_over(Figure(what, points, "points", goal=goal))


if __name__ == "__main__":
    main()
