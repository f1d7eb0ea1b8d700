"""The benchmarks that `python -m benchmarks` runs: script, arguments, and which need their name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """A script beside this file.

    Attributes:
        name: Of the script.
        quick: Arguments for about half a minute of two cores; None: left out of the quick run.
        full: Arguments for figures to publish.
        is_default: Whether it runs without being named.
    """

    name: str
    quick: tuple[str, ...] | None
    full: tuple[str, ...] = ()
    is_default: bool = True


#: Of scripts that read the twin's features, which `--folder` holds; made if missing.
_FOLDER = ("--folder", "{folder}")

#: A tenth of the twin: 300 utterances to learn from.
_SMALL = ("--scale", "0.1")

BENCHMARKS = (
    Benchmark("features", ("--limit", "12")),
    Benchmark("motion", ("0.5",), ("3",)),
    Benchmark("training", (*_FOLDER, *_SMALL, "--steps", "1", "--threads", "1"), _FOLDER),
    Benchmark("latency", (*_FOLDER, *_SMALL), _FOLDER),
    Benchmark("context", ("--turns", "1000", "--rounds", "1")),
    Benchmark("predict", (*_FOLDER, "--utterances", "32"), _FOLDER),
    Benchmark("workers", (*_FOLDER, *_SMALL, "--workers", "2"), _FOLDER),
    Benchmark("search", ("overhead", "pair", *_FOLDER, *_SMALL, "--epochs", "2"), _FOLDER),
    Benchmark("plain_stack", ("--trials", "8"), ("--trials", "30")),
    Benchmark("report", ("100",), ("500",)),
    Benchmark("intervals", ("--tests", "20"), ("--tests", "400")),
    Benchmark(
        "time_to_result",
        ("--repetitions", "4", "--variants", "default"),
        ("--repetitions", "12"),
    ),
    Benchmark(
        "searches",
        None,
        (*_FOLDER, *_SMALL, "--epochs", "240", "training.batch_size=32", "~model.encoders.mocap"),
    ),
    # What follows says how good something is, in up to hours, or is made for one machine.
    Benchmark("gpu", _FOLDER, _FOLDER, is_default=False),
    Benchmark("budgets", _FOLDER, _FOLDER, is_default=False),
    Benchmark("parts", _FOLDER, _FOLDER, is_default=False),
    Benchmark("honesty", (), is_default=False),
    Benchmark("twin_calibration", (), is_default=False),
    Benchmark("twin_dialogues", (), is_default=False),
    Benchmark("twin_networks", (), is_default=False),
)
