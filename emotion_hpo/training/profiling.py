"""What a model costs to use: shown beside its accuracy, or minimised as second objective.

`n_parameters` counts trainable weights, or what a classical model has learnt. `latency_ms` is the
time from one utterance's features to its class probabilities, on the device and threads that train:
the median over utterances that are spread evenly over a data set, each of which is new, as a user's
are. The first call of all, which allocates memory and chooses kernels, stands apart; so does a
second call with the same utterance, whose length libraries have set up by then. It is a
measurement; a busy machine raises it, and how long the process waited for a processor is noted.
"""

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from emotion_hpo.config import ExperimentConfig, TrainingConfig
from emotion_hpo.dataset import Dataset
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.learner import Learner, build_learner
from emotion_hpo.training.loop import device_of

#: Second objective of a study → its name in a trial's `cost.json`.
MEASURED = {"parameters": "n_parameters", "latency_ms": "latency_ms"}

#: Utterances classified before any counts, the first of which is timed apart.
_WARM_UP = 2

#: Of the calling thread, where Linux counts it: nanoseconds that it ran, and that it could have.
_SCHEDULER = Path("/proc/thread-self/schedstat")

#: Utterances timed; the median of so many varies by a few per cent on a quiet machine.
_TIMED = 20

#: A slow network classifies fewer, for the search waits meanwhile; but of so many at least.
_LONGEST_S, _FEWEST = 0.2, 5

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Latency:
    """How long an utterance takes.

    Attributes:
        latency_ms: The median over new utterances.
        repeated_ms: The median of a second call with each of them.
        first_ms: The first call of all.
        waiting_share: How much of the time was spent waiting for a processor; 0 on a quiet machine,
            None where the system does not count it.
        n_threads: Of the processor that were allowed; a network uses one for a single utterance.
        device: What computed: `cpu`, or the name of the GPU.
        n_timed: Utterances that were timed.
    """

    latency_ms: float
    repeated_ms: float
    first_ms: float
    waiting_share: float | None
    n_threads: int
    device: str
    n_timed: int

    def to_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return asdict(self)


def measure_cost(
    config: ExperimentConfig, data_module: DataModule, learner: Learner | None = None
) -> dict[str, Any]:
    """Measure `n_parameters` and `latency_ms` of a configuration's model, and note how.

    Args:
        config: Of the model.
        data_module: What it was trained on.
        learner: What was trained; without it a network that is built for this.
    """
    last = len(data_module.development.folds) - 1  # what was read last
    fold_data = data_module.fold(config, last)
    if learner is None:
        n_classes = len(fold_data.train.utterances.classes)
        learner = build_learner(config, fold_data.preprocessor, n_classes, seed=0)
    timed = measure_latency([learner], fold_data.validation, config.training)
    return {"n_parameters": learner.n_parameters, **timed.to_json()}


def measure_latency(learners: Sequence[Learner], data: Dataset, config: TrainingConfig) -> Latency:
    """Time models whose answers are combined, one utterance at a time."""
    device = device_of(config)
    times_s: list[float] = []
    repeated_s: list[float] = []
    began_s, waited_s = time.perf_counter(), _waited_s()
    first_s = 0.0
    for index, row in enumerate(_spread(len(data), _WARM_UP + _TIMED)):
        new_s, again_s = _time_s(learners, data, row), _time_s(learners, data, row)
        first_s = first_s or new_s
        if index >= _WARM_UP:
            times_s.append(new_s)
            repeated_s.append(again_s)
        if len(times_s) >= _FEWEST and sum(times_s) > _LONGEST_S:
            break
    wall_s, waited_until_s = time.perf_counter() - began_s, _waited_s()
    waiting_share = None
    if waited_s is not None and waited_until_s is not None:
        waiting_share = min(1.0, (waited_until_s - waited_s) / wall_s)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return Latency(
        1000 * statistics.median(times_s),
        1000 * statistics.median(repeated_s),
        1000 * first_s,
        waiting_share,
        torch.get_num_threads(),
        name,
        len(times_s),
    )


def _time_s(learners: Sequence[Learner], data: Dataset, row: int) -> float:
    """Return how long all learners take for an utterance."""
    began_s = time.perf_counter()
    for learner in learners:
        learner.answer(data, row)
    return time.perf_counter() - began_s


def _waited_s() -> float | None:
    """Return how long this thread has waited for a processor; None where nobody counts."""
    try:
        return int(_SCHEDULER.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def _spread(n: int, n_rows: int) -> Iterator[int]:
    """Yield rows from all over a data set, wherever it is stopped: steps of the golden section."""
    yield from (int(n * (index * _GOLDEN % 1)) for index in range(n_rows))
