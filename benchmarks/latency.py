"""How long a model takes to answer one utterance, beside the port and ONNX Runtime: milliseconds.

    python benchmarks/latency.py [--folder studies] [--scale 1] [--model tripathi/combined]

From features to probabilities, as a trial's `cost.json` has it, on one thread and on two: at a
length that the process has not seen before, as a user's utterances are, and at one that it has
(libraries set up for each length once). The port (`port.py`) pads every text to 50 words and every
speech to 100 frames, so that it has seen all lengths. ONNX Runtime and our networks alone answer
the same utterances of random lengths. Goals: 8 ms and 4 ms on a quiet machine; how much of the time
was spent waiting for a processor stands beside them.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from figures import Figure, Goal, compare, hand_over
from port import Port
from training import data_module, padded

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.features.origin import describe_origins
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.predict.onnx_file import Inputs, build_graph, draw_inputs, run_session, write_onnx
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.runtime.threads import one_thread
from emotion_hpo.runtime.torch_internals import stay_eager
from emotion_hpo.training.fold_run import FoldData
from emotion_hpo.training.learner import Learner, build_learner
from emotion_hpo.training.profiling import measure_latency

N_WORDS, N_TIMED = 50, 20
LENGTHS = ("new", "seen")  # before
GOALS_MS = (8.0, 4.0)


def port_ms(fold_data: FoldData) -> float:
    """Milliseconds of the port on an utterance: the median."""
    port = Port(fold_data.preprocessor.shapes()["text"].n_tokens or 0, 0.0).eval()
    times_s = []
    with torch.inference_mode():
        for row in range(N_TIMED):
            *inputs, _ = padded(fold_data.validation, np.array([row]), N_WORDS)
            began_s = time.perf_counter()
            port(*inputs)
            times_s.append(time.perf_counter() - began_s)
    return 1000 * statistics.median(times_s)


def export(learner: Learner, config: ExperimentConfig, fold_data: FoldData) -> SavedModel:
    """Return the network as `export format=onnx` takes it."""
    classes, preprocessor = fold_data.train.utterances.classes, fold_data.preprocessor
    origins = describe_origins(preprocessor.modalities, config.features, {})
    return SavedModel(config, preprocessor, classes, (learner.state(),), origins, synthetic=True)


def compare_onnx(model: SavedModel, n_threads: int) -> None:
    """Hand over our network's milliseconds beside ONNX Runtime's, on the same random lengths."""
    graph = build_graph(model)
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, file := Path(folder) / "model.onnx")
        session = open_session(file, n_threads)
        drawn = [whole(draw_inputs(model, seed, 1)) for seed in range(N_TIMED)]
        tensors = [[torch.from_numpy(values) for values in inputs.values()] for inputs in drawn]
        with one_thread(), torch.inference_mode():  # as a model answers a single utterance
            ours_ms = medians_ms([partial(graph, *inputs) for inputs in tensors])
        rival_ms = medians_ms([partial(run_session, session, inputs) for inputs in drawn])
    for length, ours, rival in zip(LENGTHS, ours_ms, rival_ms, strict=True):
        what = f"networks alone, random lengths, {length}, threads: {n_threads}"
        hand_over(compare(what, ours, rival, "ms", "ONNX Runtime"))


def medians_ms(calls: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Return the medians of first calls and of second ones."""
    times_s: tuple[list[float], list[float]] = ([], [])
    for call in calls:
        for times in times_s:
            began_s = time.perf_counter()
            call()
            times.append(time.perf_counter() - began_s)
    first, second = (1000 * statistics.median(times) for times in times_s)
    return first, second


def whole(inputs: Inputs) -> Inputs:
    """Return inputs without lost values; of words, as many as there is room for."""
    return {
        name: np.nan_to_num(values) if values.dtype == np.float32 else np.maximum(values, 1)
        for name, values in inputs.items()
    }


def main() -> None:
    """Time all on one thread and on two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--scale", type=float, default=1.0, help="of the twin")
    parser.add_argument("--model", default="tripathi/combined")
    arguments = parser.parse_args()
    stay_eager()
    keep_freed_memory()
    config, module = data_module(arguments.folder, arguments.model, arguments.scale)
    fold_data = module.fold(config)
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        learner = build_learner(config, fold_data.preprocessor, 4, seed=0)
        latency = measure_latency([learner], fold_data.validation, config.training)
        times_ms = (latency.latency_ms, latency.repeated_ms)
        rival_ms = port_ms(fold_data)
        for length, ours_ms, most_ms in zip(LENGTHS, times_ms, GOALS_MS, strict=True):
            what = f"answer at a {length} length, threads: {n_threads}"
            goal = Goal("ours", at_most=most_ms)
            ratio = rival_ms / ours_ms
            hand_over(Figure(what, ours_ms, "ms", rival_ms, "port, all padded", ratio, goal))
        compare_onnx(export(learner, config, fold_data), n_threads)
        waiting = latency.waiting_share
        share = "unknown" if waiting is None else f"{waiting:.0%}"
        print(f"first call {latency.first_ms:.1f} ms; waiting for a processor: {share}")


if __name__ == "__main__":
    main()
