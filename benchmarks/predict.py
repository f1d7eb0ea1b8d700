"""Utterances a second that a model answers: from sound and words, and its networks by themselves.

    python benchmarks/predict.py [MODEL] [--folder studies] [--utterances 512]

MODEL is a model's file or a folder, of which the latest final model is taken; without it the
default network answers, untrained, from two seeds. Sounds are noise of IEMOCAP's mean length; the
networks are as they were trained, and once more as an ONNX file, where the model is made of
networks: features of random lengths in, one thread each. Each figure is the best of three passes
over the same utterances.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from figures import Figure, compare, hand_over
from search import config_of
from twin_sizes import sized

from emotion_hpo.errors import StudyError
from emotion_hpo.features.origin import describe_origins
from emotion_hpo.features.preparation import quiet
from emotion_hpo.predict import Predictor, Utterance, find_model
from emotion_hpo.predict.onnx_file import build_graph, draw_inputs, run_session, write_onnx
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.learner import build_learner

SECONDS, RATE = 4.57, 16_000


def untrained(folder: Path) -> SavedModel:
    """The default study's network from two seeds, fitted to a tenth of the twin."""
    home = StudyHome(folder, "predict")
    config = config_of(home, *sized(0.1))
    store, development = open_development(config, home.features, quiet)
    config, _ = adapt(config, store, development)
    experiment, classes = config.experiment(), development.everything.classes
    preprocessor = DataModule(development).fold(experiment).preprocessor
    states = tuple(
        build_learner(experiment, preprocessor, len(classes), seed=seed).state() for seed in (0, 1)
    )
    origins = describe_origins(preprocessor.modalities, experiment.features, {})
    return SavedModel(experiment, preprocessor, classes, states, origins, synthetic=True)


def utterances(n: int) -> list[Utterance]:
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
        for _ in range(n)
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
    """Time whole utterances, and networks by themselves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("studies"), help="holds features")
    parser.add_argument("--utterances", type=int, default=512)
    options = parser.parse_args()
    if options.model is not None:
        time_model(find_model(options.model), options.utterances)
        return
    with tempfile.TemporaryDirectory() as folder:
        untrained(options.folder).save(path := Path(folder) / "model.pt")
        time_model(path, options.utterances)


def time_model(path: Path, n: int) -> None:
    """Hand over utterances a second, many at once against each alone."""
    predictor = Predictor.open(path)
    requests = utterances(n)
    words = [Utterance(request.text) for request in requests]
    sound = [Utterance(samples=request.samples) for request in requests]
    print(f"{path}: {predictor.n_networks} networks of {', '.join(predictor.columns)}")
    kinds = (("words", words), ("sound", sound), ("sound and words", requests))
    needed = {"words": {"text"}, "sound": {"speech"}, "sound and words": {"text", "speech"}}
    for name, some in kinds:
        if not needed[name] <= set(predictor.columns):
            continue
        rate = n / best_of_three(lambda some=some: predictor(some))
        lone = some[:50]
        alone_s = best_of_three(lambda lone=lone: [predictor([each]) for each in lone])
        what, rival = f"utterances a second, {name}", "one at a time"
        lone_rate = len(lone) / alone_s
        hand_over(Figure(what, rate, "", lone_rate, rival, rate / lone_rate))
    compare_runtimes(path)


def compare_runtimes(path: Path) -> None:
    """Hand over what the networks take of features, by ONNX Runtime and by PyTorch."""
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
            what, of_each = f"networks by ONNX Runtime, {n} at once", 1000 / len(batches)
            hand_over(compare(what, of_each * by_onnx, of_each * by_torch, "ms", "PyTorch"))


if __name__ == "__main__":
    main()
