"""How soon TPE + Hyperband finds what random search finds: `python benchmarks/time_to_result.py`.

Our own study (slots, claims, reports, ends) searches on a table of recorded learning curves instead
of training, so that a search can be repeated fifty times. The table holds points of a grid
(`record_curves.py`); a proposed configuration has the curve of the recorded point nearest to it, on
the scales that its ranges are drawn on, so that every sampler searches the same stepped surface.

Random search trains 30 trials to their last epoch. TPE + Hyperband, with the settings of `conf/`,
may train a quarter of these epochs; its best is the best *complete* trial by then, as `search`
would say. Goal: within 0.5 points of random search's best, medians over the repetitions.

    python benchmarks/time_to_result.py [--repetitions 50] [key=value …]

Overrides change the settings of TPE and Hyperband. Every figure is synthetic.
"""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.record_curves import EPOCHS, GRID, TABLE, configuration, read_table
from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.space import Params
from emotion_hpo.study import StudyHome, TrialState

N_RANDOM = 30
FULL = N_RANDOM * EPOCHS
TOLERANCE = 0.005


def place(params: Params) -> NDArray[np.float64]:
    """A configuration in the unit cube, each range on the scale that it is drawn on."""
    return np.array(
        [
            _scaled(path, float(params[path] or 0), values[0], values[-1])
            for path, values in GRID.items()
        ]
    )


def _scaled(path: str, value: float, low: float, high: float) -> float:
    if path == "model.dropout":
        return (value - low) / (high - low)
    return math.log(value / low) / math.log(high / low)


class Table:
    """Recorded curves, found by the configuration nearest to one that is proposed."""

    def __init__(self, curves: Mapping[tuple[float, ...], Sequence[tuple[float, float]]]) -> None:
        points = [dict(zip(GRID, point, strict=True)) for point in curves]
        self._places = np.stack([place(point) for point in points])
        self.curves = [[accuracy for accuracy, _ in curve] for curve in curves.values()]

    def curve(self, params: Params) -> list[float]:
        """Validation accuracy of each epoch."""
        distances = ((self._places - place(params)) ** 2).sum(axis=1)
        return self.curves[int(distances.argmin())]


def searched(config: SearchConfig, table: Table, most: int) -> Iterator[tuple[int, float | None]]:
    """Epochs trained in all and the best complete value, after every trial until `most` epochs."""
    with tempfile.TemporaryDirectory() as folder:
        home = StudyHome(Path(folder), config.study.name)
        home.path.mkdir()
        study = Study(home, config)
        study.open_slots()
        n_epochs, best = 0, None
        while n_epochs < most and (claim := study.claim("simulated")) is not None:
            curve = table.curve(flatten(dump(claim.config)))
            state, done = TrialState.COMPLETE, len(curve)
            if config.pruner.name != "none":
                for epoch, accuracy in enumerate(curve, start=1):
                    if study.report(claim, epoch, accuracy) and epoch < len(curve):
                        state, done = TrialState.PRUNED, epoch
                        break
            value = max(curve[:done])
            study.end(claim, state, value, curve.index(value) + 1)
            n_epochs += done
            if state is TrialState.COMPLETE:
                best = max(value, best or 0.0)
            yield n_epochs, best


def best_within(steps: list[tuple[int, float | None]], n_epochs: int) -> float:
    """The best complete value once that many epochs have been trained."""
    return max((best for spent, best in steps if spent <= n_epochs and best), default=0.0)


def main() -> None:
    """Repeat both searches and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    table = Table(read_table(options.table))
    optimum = max(max(curve) for curve in table.curves)
    quarter = FULL // 4
    times: dict[str, list[float]] = {"random": [], "half": [], "quarter": [], "eighth": []}
    needed: list[float] = []
    n_trials, differences = [], []
    for seed in range(options.repetitions):
        where = (f"study.seed={seed}", f"study.name=run_{seed}", "study.directory=/nowhere")
        plain = configuration(*where, "sampler=random", "pruner=none", f"study.n_trials={N_RANDOM}")
        full = list(searched(plain, table, FULL))
        random_best = best_within(full, FULL)
        wise = configuration(*where, "study.n_trials=1000", *options.overrides)
        steps = list(searched(wise, table, FULL // 2))
        times["random"].append(random_best)
        for name, part in {"half": 2, "quarter": 4, "eighth": 8}.items():
            times[name].append(best_within(steps, FULL // part))
        differences.append(times["quarter"][-1] - random_best)
        n_trials.append(sum(spent <= quarter for spent, _ in steps))
        reached = [spent for spent, best in steps if best and best >= random_best - TOLERANCE]
        needed.append(reached[0] if reached else math.inf)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(
        f"synthetic; {len(table.curves)} recorded curves of {EPOCHS} epochs, optimum {optimum:.2%}"
    )
    print(f"medians over {options.repetitions} repetitions, best complete validation accuracy:")
    print(f"  {N_RANDOM} full random trials, {FULL} epochs      {medians['random']:.2%}")
    for name, part in {"half": 2, "quarter": 4, "eighth": 8}.items():
        print(f"  TPE + Hyperband, {FULL // part:>3} epochs ({name:<7}) {medians[name]:.2%}")
    print(f"trials begun and ended within a quarter: {statistics.median(n_trials):g}")
    soon, pairs = statistics.median(needed), 100 * statistics.median(differences)
    print(f"epochs until within 0.5 points of the same seed's random search: {soon:g}")
    print(f"difference at a quarter, median over the seeds: {pairs:+.2f} points")
    is_met = medians["quarter"] >= medians["random"] - TOLERANCE
    print(f"goal (within 0.5 points at a quarter): {'met' if is_met else 'NOT met'}")


if __name__ == "__main__":
    main()
