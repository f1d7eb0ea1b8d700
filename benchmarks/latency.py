"""How long a model takes to answer one utterance, beside the port and ONNX Runtime: milliseconds.

    python benchmarks/latency.py [--folder studies] [--scale 1] [--model tripathi/combined]

From features to probabilities, as a trial's `cost.json` has it, on one thread and on two: at a
length that the process has not seen before, as a user's utterances are, and at one that it has
(libraries set up for each length once). The port (`port.py`) pads every text to 50 words and every
speech to 100 frames, so that it has seen all lengths; ONNX Runtime answers utterances of random
lengths from the same network's exported file. Goals: 8 ms and 4 ms on a quiet machine; how much of
the time was spent waiting for a processor stands beside them.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from figures import Figure, Goal, hand_over
from port import Port
from training import data_module, padded

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.features.origin import describe_origins
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.predict.onnx_file import Inputs, draw_inputs, run_session, write_onnx
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.runtime.torch_internals import stay_eager
from emotion_hpo.training.fold_run import FoldData
from emotion_hpo.training.learner import Learner, build_learner
from emotion_hpo.training.profiling import measure_latency

N_WORDS, N_TIMED = 50, 20
GOALS_MS = (8.0, 4.0)  # new length, length seen before


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


def onnx_ms(model: SavedModel, n_threads: int) -> tuple[float, float]:
    """Milliseconds of ONNX Runtime at lengths that it has not seen, and a second time: medians."""
    times_s: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, file := Path(folder) / "model.onnx")
        session = open_session(file, n_threads)
        for seed in range(N_TIMED):
            inputs = whole(draw_inputs(model, seed, 1))
            for times in times_s:
                began_s = time.perf_counter()
                run_session(session, inputs)
                times.append(time.perf_counter() - began_s)
    new, seen = (1000 * statistics.median(times) for times in times_s)
    return new, seen


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
        by_port = (port_ms(fold_data),) * 2
        by_onnx = onnx_ms(export(learner, config, fold_data), n_threads)
        for name, rival_ms in (("port, all padded", by_port), ("ONNX Runtime", by_onnx)):
            rows = zip(("new", "seen"), times_ms, rival_ms, GOALS_MS, strict=True)
            for length, ours, rival, most in rows:
                what = f"answer at a {length} length, threads: {n_threads}"
                goal = Goal("ours", at_most=most)
                hand_over(Figure(what, ours, "ms", rival, name, rival / ours, goal))
        waiting = latency.waiting_share
        share = "unknown" if waiting is None else f"{waiting:.0%}"
        print(f"first call {latency.first_ms:.1f} ms; waiting for a processor: {share}")


if __name__ == "__main__":
    main()
