"""Utterances a second that a model answers: from sound and words, and its networks by themselves.

`python benchmarks/predict.py studies` takes the latest final model there. Sounds are noise of
IEMOCAP's mean length; the networks are as they were trained, and once more as an ONNX file, where
the model is made of networks: features of random lengths in, one thread each. Each figure is the
best of three passes over the same utterances.

Last comes the time of a single answer from features, of PyTorch and of ONNX Runtime, on one thread
and on two: medians over twenty utterances whose lengths were not seen before, and of a second call
with each. In brackets stands the time of the processors, which other work on the machine lengthens
less.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from emotion_hpo.errors import StudyError
from emotion_hpo.predict import Predictor, Utterance, find_model
from emotion_hpo.predict.onnx_file import Inputs, build_graph, draw_inputs, run_session, write_onnx
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.runtime.threads import one_thread

N, SECONDS, RATE = 512, 4.57, 16_000


def utterances() -> list[Utterance]:
    """As many as are asked at once, none like the other."""
    generator = np.random.default_rng(0)
    words = [
        "well",
        "I",
        "said",
        "that",
        "you",
        "would",
        "come",
        "and",
        "now",
        "it",
        "is",
        "so",
        "good",
        "to",
        "see",
        "you",
    ]
    return [
        Utterance(
            " ".join(generator.choice(words, generator.integers(3, 20))),
            (0.1 * generator.standard_normal(int(SECONDS * RATE))).astype(np.float32),
        )
        for _ in range(N)
    ]


def best_of_three(run: Callable[[], object]) -> float:
    """Seconds of the quickest pass."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Print utterances a second."""
    path = find_model(Path(sys.argv[1] if len(sys.argv) > 1 else "studies"))
    predictor = Predictor.open(path)
    requests = utterances()
    words = [Utterance(request.text) for request in requests]
    sound = [Utterance(samples=request.samples) for request in requests]
    print(f"{path}: {predictor.n_networks} networks of {', '.join(predictor.columns)}")
    kinds = (("words", words), ("sound", sound), ("sound and words", requests))
    needed = {"words": {"text"}, "sound": {"speech"}, "sound and words": {"text", "speech"}}
    for name, some in kinds:
        if not needed[name] <= set(predictor.columns):
            continue
        took = best_of_three(lambda some=some: predictor(some))
        print(f"{name:<16} {N / took:7.0f} utterances a second")
    seconds_each = best_of_three(lambda: [predictor([each]) for each in requests[:50]]) / 50
    print(f"{'one at a time':<16} {1000 * seconds_each:7.1f} ms each")
    compare_runtimes(path)


def compare_runtimes(path: Path) -> None:
    """Print what the networks take of features, by PyTorch and by ONNX Runtime."""
    saved_model = SavedModel.load(path)
    try:
        graph = build_graph(saved_model)
    except StudyError as error:
        print(error)
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(saved_model, file := Path(folder) / "model.onnx")
        session = open_session(file, 1)
        for n in (1, 64):
            batches = [draw_inputs(saved_model, seed, n) for seed in range(20)]
            tensors = [[torch.from_numpy(values) for values in batch.values()] for batch in batches]
            with torch.inference_mode():
                by_torch = best_of_three(lambda: [graph(*batch) for batch in tensors])  # noqa: B023
            by_onnx = best_of_three(lambda: [run_session(session, batch) for batch in batches])  # noqa: B023
            print(
                f"networks, {n:2} at once: PyTorch {1000 * by_torch / 20:.2f} ms, "
                f"ONNX Runtime {1000 * by_onnx / 20:.2f} ms"
            )
        compare_latencies(saved_model, graph, file)


def compare_latencies(saved_model: SavedModel, graph: torch.nn.Module, file: Path) -> None:
    """Print how long a single answer takes; none of its utterances lacks a value or a modality."""
    print(f"a single answer, load {os.getloadavg()[0]:.1f}: new lengths, then the same again")
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        session = open_session(file, n_threads)
        # Other utterances for each, so that both meet lengths that they have not seen
        seeds = range(100 * n_threads, 100 * n_threads + 22)
        batches = [whole(draw_inputs(saved_model, seed, 1)) for seed in seeds]
        tensors = [[torch.from_numpy(values) for values in batch.values()] for batch in batches]
        with one_thread(), torch.inference_mode():  # as a model answers a single utterance
            by_torch = latencies([lambda batch=batch: graph(*batch) for batch in tensors])  # type: ignore[misc]
        by_onnx = latencies(
            [lambda batch=batch: run_session(session, batch) for batch in batches]  # type: ignore[misc] # noqa: B023
        )
        print(f"  {n_threads} threads: PyTorch {by_torch}; ONNX Runtime {by_onnx}")


def whole(inputs: Inputs) -> Inputs:
    """Return inputs without lost values; of words, as many as there is room for."""
    return {
        name: np.nan_to_num(values) if values.dtype == np.float32 else np.maximum(values, 1)
        for name, values in inputs.items()
    }


def latencies(calls: list[Callable[[], object]]) -> str:
    """Return the medians of first calls and of second ones, but for those of the first two."""
    times: list[list[tuple[float, float]]] = [[], []]
    for call in calls:
        for place in (0, 1):
            began, began_processor = time.perf_counter(), time.process_time()
            call()
            passed = time.perf_counter() - began, time.process_time() - began_processor
            times[place].append(passed)
    medians = [map(statistics.median, zip(*each[2:], strict=True)) for each in times]
    return ", ".join("{:.2f} ({:.2f}) ms".format(*(1000 * t for t in both)) for both in medians)


if __name__ == "__main__":
    main()
