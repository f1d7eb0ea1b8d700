"""What a configuration's network costs, whatever it has learnt: the second objective of a study.

`parameters` counts trainable weights. `latency_ms` is the time from one utterance's features to its
class probabilities, on the device and threads that train: the median over utterances of the
validation part, after some that are not counted. It is a measurement; a busy machine raises it.
"""

import statistics
import time

import torch

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.experiment import Material
from emotion_hpo.models import build_network
from emotion_hpo.models.catalogue import count
from emotion_hpo.training import device_of

#: Utterances asked before any is timed: the first ones allocate memory and choose kernels.
_WARM_UP = 5

#: Utterances timed; the median of so many varies by a few per cent on a quiet machine.
_TIMED = 50


def cost_of(config: ExperimentConfig, material: Material, kind: str) -> float:
    """The number of trainable parameters, or milliseconds an utterance."""
    fold = len(material.development.folds) - 1  # the one that was read last
    reading = material.read(config, fold)
    classes = reading.train.utterances.classes
    network = build_network(config.model, reading.inputs.shapes(), len(classes), seed=0)
    if kind == "parameters":
        return float(count(network))
    device = device_of(config.training)
    network.to(device).eval()
    times_ms = []
    with torch.inference_mode():
        for batch in reading.validation.on(device).in_order(1):
            began = time.perf_counter()
            network(batch.modalities).cpu()  # waits for the device
            times_ms.append(1000 * (time.perf_counter() - began))
            if len(times_ms) >= _WARM_UP + _TIMED:
                break
    return statistics.median(times_ms[_WARM_UP:] or times_ms)
