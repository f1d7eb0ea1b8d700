"""Record the learning curves of a whole grid: `python benchmarks/record_curves.py`.

    python benchmarks/record_curves.py
    python benchmarks/record_curves.py --random 90 --table benchmarks/other_learning_curves.csv.gz \
        corpus.seed=1 corpus.scale=0.2 split.n_validation=168

A small text-and-speech network on the full twin, trained at every point of a grid over five
hyperparameters, 27 epochs each. `time_to_result.py` searches on the table instead of training, so
that it can repeat a study fifty times. Takes three to six seconds a point on one core; what is
recorded already is kept, so that a recording that was cut off goes on. The table here holds all 360
points; take it away to record them anew, as after a change of the twin. The other table is of
another corpus, of which some points are enough. Every figure is synthetic.
"""

import argparse
import csv
import gzip
import itertools
import random
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import SearchConfig, build
from emotion_hpo.features.preparation import quiet
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.search.space import Params, configured
from emotion_hpo.splits.opening import open_development
from emotion_hpo.training.fold_run import DataModule, EpochSelector, run

TABLE = Path(__file__).parent / "learning_curves.csv.gz"

#: Powers of three make Hyperband's rungs fall on whole epochs: 1, 3, 9, 27.
EPOCHS = 27

_DRAW_SEED = 7

#: Every combination is trained; the steps are those that a person would try by hand.
GRID: dict[str, tuple[float, ...]] = {
    "training.learning_rate": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "model.dropout": (0.0, 0.25, 0.5, 0.75),
    "model.encoders.text.units": (4, 16, 64),
    "model.fusion.units": (8, 32, 128),
    "training.batch_size": (128, 512),
}

NETWORK = """
name: curves
encoders:
  text:
    name: conv1d
    embedding: {vectors: random, dimensions: 32, trainable: true}
    units: 16
    depth: 1
    kernel: 3
    pooling: max
    output_units: 32
  speech: {name: mlp, units: 32, depth: 1, output_units: 32}
fusion: {name: concat, units: 32}
dropout: 0.25
"""


def configuration(*overrides: str) -> SearchConfig:
    """A study of that network over the grid's ranges; its defaults lie in the middle."""
    ranges = {
        path: {"low": values[0], "high": values[-1], "log": path != "model.dropout"}
        for path, values in GRID.items()
    }
    fixed = (
        "features=functionals", "training=paper", f"training.epochs={EPOCHS}",
        "training.learning_rate=1e-3", "training.batch_size=256",
    )  # fmt: skip
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        composed = compose("search", [*fixed, *overrides])
    plain = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(plain, dict)
    plain.pop("output")
    plain["model"] = OmegaConf.to_container(OmegaConf.create(NETWORK))
    plain["space"] = ranges
    plain["study"]["name"] = plain["study"]["name"] or "curves"
    config, _ = resolve_budget(build(SearchConfig, plain), n_train=3000)  # the pruner's rungs
    return config


def points() -> list[Params]:
    """Every combination of the grid, in its order."""
    return [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]


def read_table(path: Path) -> dict[tuple[float, ...], list[tuple[float, float]]]:
    """Point → accuracy and seconds of each epoch."""
    table: dict[tuple[float, ...], list[tuple[float, float]]] = {}
    if not path.exists():
        return table
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            point = tuple(float(row[name]) for name in GRID)
            table.setdefault(point, []).append((float(row["accuracy"]), float(row["seconds"])))
    return table


def write_table(path: Path, table: dict[tuple[float, ...], list[tuple[float, float]]]) -> None:
    """Replace the table: a row an epoch."""
    partial = path.with_suffix(".partial")
    with gzip.GzipFile(partial, "wb", mtime=0) as file:
        lines = [",".join([*GRID, "epoch", "accuracy", "seconds"])]
        for point, curve in table.items():
            for epoch, (accuracy, seconds) in enumerate(curve, start=1):
                figures = (*(f"{value:g}" for value in point), epoch, f"{accuracy:.6f}")
                lines.append(",".join(map(str, (*figures, f"{seconds:.4f}"))))
        file.write(("\n".join(lines) + "\n").encode())
    partial.replace(path)


def main() -> None:
    """Train every point that the table lacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, default=Path("studies/features"))
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--most", type=int, default=len(points()), help="points in this call")
    parser.add_argument("--random", type=int, help="so many points of the grid, drawn at random")
    parser.add_argument("overrides", nargs="*", help="corpus.seed=1 corpus.scale=0.5: another twin")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    config = configuration(*options.overrides)
    store, development = open_development(config, options.features, quiet)
    config, _ = adapt(config, store, development)
    data_module = DataModule(development)
    selector = EpochSelector("val/accuracy")
    table = read_table(options.table)
    chosen = points()
    if options.random is not None:
        random.Random(_DRAW_SEED).shuffle(chosen)
        chosen = chosen[: options.random]
    missing = [point for point in chosen if tuple(map(float, point.values())) not in table]
    for number, point in enumerate(missing[: options.most], start=1):
        trained = configured(config.experiment(), point)
        outcome = run(trained, data_module, 0, selector, lambda _: False)
        table[tuple(float(value) for value in point.values())] = [
            (epoch.metrics["val/accuracy"], epoch.seconds) for epoch in outcome.curve
        ]
        if number % 10 == 0 or number == len(missing[: options.most]):
            write_table(options.table, table)
        print(f"{number}/{len(missing)} {outcome.value:.4f} {point}", flush=True)


if __name__ == "__main__":
    main()
