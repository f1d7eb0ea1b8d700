"""What a model costs to use: shown beside its accuracy, or minimised as second objective.

`n_parameters` counts trainable weights, or what a classical model has learnt. `latency_ms` is the
time from one utterance's features to its class probabilities, on the device and threads that train:
the median over utterances that are spread evenly over a data set, after some that are not counted.
It is a measurement; a busy machine raises it.
"""

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from emotion_hpo.config import ExperimentConfig, TrainingConfig
from emotion_hpo.dataset import Dataset
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.learner import Learner, build_learner
from emotion_hpo.training.loop import device_of

#: Second objective of a study → its name in a trial's `cost.json`.
MEASURED = {"parameters": "n_parameters", "latency_ms": "latency_ms"}

#: Utterances classified before any is timed: the first ones allocate memory and choose kernels.
_WARM_UP = 2

#: Utterances timed; the median of so many varies by a few per cent on a quiet machine.
_TIMED = 20

#: A slow network classifies fewer, for the search waits meanwhile; but of so many at least.
_LONGEST_S, _FEWEST = 0.2, 5

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Latency:
    """How long an utterance takes.

    Attributes:
        latency_ms: The median.
        n_threads: Of the processor that were allowed.
        device: What computed: `cpu`, or the name of the GPU.
        n_timed: Utterances that were timed.
    """

    latency_ms: float
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
    for index, row in enumerate(_spread(len(data), _WARM_UP + _TIMED)):
        began = time.perf_counter()
        for learner in learners:
            learner.answer(data, row)
        if index >= _WARM_UP:
            times_s.append(time.perf_counter() - began)
        if len(times_s) >= _FEWEST and sum(times_s) > _LONGEST_S:
            break
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    n_threads = torch.get_num_threads()
    return Latency(1000 * statistics.median(times_s), n_threads, name, len(times_s))


def _spread(n: int, n_rows: int) -> Iterator[int]:
    """Yield rows from all over a data set, wherever it is stopped: steps of the golden section."""
    yield from (int(n * (index * _GOLDEN % 1)) for index in range(n_rows))
