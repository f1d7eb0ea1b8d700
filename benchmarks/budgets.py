"""Accuracy against optimiser steps, and where `training.epochs: auto` ends: which budget is enough?

    python benchmarks/budgets.py [--steps 900] [--seeds 2] [--only twin/speech …]
        [--berlin FOLDER] [--meld CSV] [--folder studies] [--output budgets.json]

The networks of `conf/model/speech.yaml` and `text.yaml` with the training of `conf/training/auto`,
on the first utterances of a shuffled twin (a twin of another seed judges), on six speakers of the
Berlin recordings (two others judge; `--berlin` names the folder that holds `wav/`) and on MELD's
text (its dev part judges; `--meld` names the manifest that `examples/meld.py` writes). Test parts
are not looked at. A line a size: the balanced accuracy (UAR) in % after so many steps, the mean
over the seeds, each the best epoch until then (or the first), as a trial's value is, and without
patience; beside it what `auto` takes.
Figures of the twin are synthetic.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.dataset import Preprocessor
from emotion_hpo.dataset.normalising import resolve_normalise
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models import build_network, keep_freed_memory
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.study import Epoch
from emotion_hpo.training.loop import fit

SIZES = (100, 300, 1000, 3000, 4936)

#: Steps at which the table has a column.
SHOWN = (50, 100, 200, 300, 450, 600, 900, 1500)


@dataclass(frozen=True)
class Corpus:
    """Utterances to learn from, shuffled, and others to be judged on."""

    name: str
    config: SearchConfig
    train: Utterances
    validation: Utterances
    sizes: tuple[int, ...]


def configuration(*overrides: str) -> SearchConfig:
    """The default study of a corpus and a network."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        plain = OmegaConf.to_container(compose("search", [*overrides]), resolve=True)
    assert isinstance(plain, dict)
    plain.pop("output")
    plain["study"]["name"] = "budgets"
    return build(SearchConfig, {str(name): part for name, part in plain.items()})


def utterances(
    config: SearchConfig, folder: Path, sessions: Iterable[str] | None = None
) -> Utterances:
    """Some sessions of a corpus, or all, in random order."""
    store = prepare_features(config, folder, quiet)
    shards = tuple(map(store.open, sessions or store.sessions))
    whole = Utterances.from_shards(shards, store.classes).labelled()
    return whole.subset(np.random.default_rng(0).permutation(len(whole)))


def corpora(berlin: Path | None, meld: Path | None, folder: Path) -> Iterator[Corpus]:
    """The corpora that there are, each with the network that suits it."""
    for model in ("speech", "text"):
        config = configuration(f"model={model}")
        other = configuration(f"model={model}", "corpus.seed=1", "corpus.scale=0.1")
        train, validation = (utterances(each, folder) for each in (config, other))
        yield Corpus(f"twin/{model}", config, train, validation, SIZES)
    if berlin is not None:
        config = configuration("corpus=emodb", f"corpus.root={berlin}", "model=speech")
        train = utterances(config, folder, ("1", "2", "3"))
        validation = utterances(config, folder, ("4",))
        yield Corpus("berlin/speech", config, train, validation, (len(train),))
    if meld is not None:
        where = (f"corpus.table={meld}", "split=session", "split.test_session=test")
        config = configuration("corpus=manifest", *where, "model=text")
        train = utterances(config, folder, ("train",))
        validation = utterances(config, folder, ("dev",))
        yield Corpus("meld/text", config, train, validation, (1000, len(train)))


def curve(corpus: Corpus, size: int, n_steps: int, seed: int) -> dict[int, float]:
    """Steps → best UAR until then, after every epoch of one training."""
    plain = dump(corpus.config)
    plain = with_value(plain, "training.steps", n_steps)
    plain = with_value(plain, "training.patience", None)
    config, _ = resolve_budget(build(SearchConfig, plain), size)
    train = corpus.train.subset(slice(0, size))
    features = resolve_normalise(config.features, corpus.train.table, ())
    preprocessor = Preprocessor.fit(train, features, tuple(config.model.encoders))
    network = build_network(config.model, preprocessor.shapes(), len(train.classes), seed=seed)
    steps_an_epoch = -(-size // int(config.training.batch_size))
    values: dict[int, float] = {}

    def on_epoch(epoch: Epoch, *_: object) -> bool:
        best = max(values.values(), default=0.0)
        values[epoch.epoch * steps_an_epoch] = max(best, epoch.metrics["val/uar"])
        return epoch.epoch * steps_an_epoch >= n_steps

    data = (preprocessor.transform(part) for part in (train, corpus.validation))
    fit(network, *data, config.training, seed, on_epoch)
    return values


def at_steps(values: Mapping[int, float], n_steps: int) -> float:
    """The value after the last epoch that ended by then; of the first, if none did."""
    ended = [value for steps, value in values.items() if steps <= n_steps]
    return ended[-1] if ended else next(iter(values.values()))


def measure(corpus: Corpus, size: int, n_steps: int, seeds: int) -> dict[str, object]:
    """One line of the table."""
    curves = [curve(corpus, size, n_steps, seed) for seed in range(seeds)]
    auto, decision = resolve_budget(corpus.config, size)
    taken = int(auto.training.epochs) * -(-size // int(auto.training.batch_size))
    means = {
        steps: float(np.mean([at_steps(values, steps) for values in curves]))
        for steps in sorted({*(each for each in SHOWN if each <= n_steps), taken})
    }
    return {"corpus": corpus.name, "size": size, "auto": taken, "decision": decision, "uar": means}


def format_line(line: Mapping[str, object], n_steps: int) -> str:
    """A line as the table shows it."""
    means = line["uar"]
    assert isinstance(means, dict)
    shown = [100 * means[steps] for steps in SHOWN if steps <= n_steps]
    columns = "".join(f"{value:>7.1f}" for value in shown)
    auto = f"{100 * means[line['auto']]:>7.1f}  {line['decision']}"
    return f"{line['corpus']:<14}{line['size']:>6}{columns}  |{auto}"


def main() -> None:
    """Train on every corpus and size, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--berlin", type=Path)
    parser.add_argument("--meld", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    heads = "".join(f"{steps:>7}" for steps in SHOWN if steps <= options.steps)
    print(f"{'UAR in %':<14}{'size':>6}{heads}  |   auto", flush=True)
    lines = []
    for corpus in corpora(options.berlin, options.meld, options.folder / "features"):
        for size in corpus.sizes:
            if options.only and corpus.name not in options.only:
                continue
            lines.append(measure(corpus, size, options.steps, options.seeds))
            print(format_line(lines[-1], options.steps), flush=True)
    if options.output is not None:
        options.output.write_text(json.dumps(lines, indent=1), "utf-8")


if __name__ == "__main__":
    main()
