"""Utterances a second that a model answers: from sound and words, and the share of each step.

`python benchmarks/predict.py studies` takes the latest final model there. Sounds are noise of
IEMOCAP's mean length; the networks are as they were trained. Each figure is the best of three
passes over the same utterances.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emotion_hpo.predict import Predictor, Utterance, find_model

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
    print(f"{path}: {predictor.n_networks} networks of {', '.join(predictor.modalities)}")
    for name, some in (("words", words), ("sound", sound), ("sound and words", requests)):
        if not set(predictor.modalities) & {"text", "speech"}:
            continue
        took = best_of_three(lambda some=some: predictor(some))
        print(f"{name:<16} {N / took:7.0f} utterances a second")
    seconds_each = best_of_three(lambda: [predictor([each]) for each in requests[:50]]) / 50
    print(f"{'one at a time':<16} {1000 * seconds_each:7.1f} ms each")


if __name__ == "__main__":
    main()
