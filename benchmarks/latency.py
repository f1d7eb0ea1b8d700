"""How long a model takes to answer one utterance, beside the port: milliseconds.

    python benchmarks/latency.py [--folder studies] [--scale 1] [--model tripathi/combined]

From features to probabilities, as a trial's `cost.json` has it, on one thread and on two: at a
length that the process has not seen before, as a user's utterances are, and at one that it has
(libraries set up for each length once). The port (`port.py`) pads every text to 50 words and every
speech to 100 frames, so that it has seen all lengths. Goals: 8 ms and 4 ms on a quiet machine; how
much of the time was spent waiting for a processor stands beside them.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from figures import Figure, Goal, hand_over
from port import Port
from training import data_module, padded

from emotion_hpo.models import keep_freed_memory
from emotion_hpo.runtime.torch_internals import stay_eager
from emotion_hpo.training.fold_run import FoldData
from emotion_hpo.training.learner import build_learner
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


def main() -> None:
    """Time both on one thread and on two."""
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
        rival_ms = port_ms(fold_data)
        times_ms = (latency.latency_ms, latency.repeated_ms)
        for length, ours_ms, most_ms in zip(("new", "seen"), times_ms, GOALS_MS, strict=True):
            what = f"answer at a {length} length, threads: {n_threads}"
            goal = Goal("ours", at_most=most_ms)
            ratio = rival_ms / ours_ms
            hand_over(Figure(what, ours_ms, "ms", rival_ms, "port, all padded", ratio, goal))
        waiting = latency.waiting_share
        share = "unknown" if waiting is None else f"{waiting:.0%}"
        print(f"first call {latency.first_ms:.1f} ms; waiting for a processor: {share}")


if __name__ == "__main__":
    main()
