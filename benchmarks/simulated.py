"""A search on recorded learning curves: our own study, with nothing trained."""

import math
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.record_curves import EPOCHS, GRID, read_table
from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.prior_trial import PriorTrial
from emotion_hpo.search.space import Params
from emotion_hpo.study import StudyHome, TrialState


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
        self.points = [dict(zip(GRID, point, strict=True)) for point in curves]
        self._places = np.stack([place(point) for point in self.points])
        self.curves = [[accuracy for accuracy, _ in curve] for curve in curves.values()]

    def curve(self, params: Params, patience: int | None) -> list[float]:
        """Validation accuracy of each epoch, until so many brought nothing better."""
        distances = ((self._places - place(params)) ** 2).sum(axis=1)
        curve = self.curves[int(distances.argmin())]
        for end in range((patience or EPOCHS) + 1, EPOCHS):
            if patience and max(curve[end - patience : end]) <= max(curve[: end - patience]):
                return curve[:end]
        return curve


@cache
def table(path: Path) -> Table:
    """Read a table, once a process."""
    return Table(read_table(path))


def random_trials(path: Path, n: int, seed: int, config: SearchConfig) -> list[PriorTrial]:
    """Return random trials of the corpus that a table is of, the best first."""
    other = table(path)
    drawn = random.Random(seed).sample(range(len(other.points)), n)
    drawn.sort(key=lambda index: -max(other.curves[index]))
    return [
        PriorTrial(
            f"other/trial_{index}",
            {
                path: int(value) if config.space[path].is_integer else value
                for path, value in other.points[index].items()
            },
            max(other.curves[index]),
            n_epochs=None,
        )
        for index in drawn
    ]


def searched(
    config: SearchConfig, curves: Table, most: int, prior_trials: Sequence[PriorTrial] = ()
) -> Iterator[tuple[int, float | None]]:
    """Epochs trained in all and the best complete value, after every trial until `most` epochs."""
    patience = config.training.patience
    assert patience != "auto"
    with tempfile.TemporaryDirectory() as folder:
        home = StudyHome(Path(folder), config.study.name)
        home.path.mkdir()
        study = Study(home, config)
        study.open_slots(prior_trials)
        n_epochs, best = 0, None
        while n_epochs < most and (claim := study.claim("simulated")) is not None:
            curve = curves.curve(flatten(dump(claim.config)), patience)
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


def best_within(steps: Sequence[tuple[int, float | None]], n_epochs: int) -> float:
    """Return the best complete value once that many epochs have been trained."""
    return max((best for spent, best in steps if spent <= n_epochs and best), default=0.0)
