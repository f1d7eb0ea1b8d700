"""What a part of a network or of its training gains, paired by seed and fold.

    python benchmarks/parts.py [--seeds 3] [--scale 0.1] [--steps 150] [--berlin FOLDER]
        [--only speech functionals …] [--parts gru …] [--folder studies] [--output parts.json]

Small networks of the voice's frames, its functionals, the words, and two modalities fused, on the
Berlin recordings (`--berlin` names the folder that holds `wav/`; each of the first four pairs of
speakers validates once, the fifth is never read) and on a share of the twin, which a twin of
another seed judges. Every part takes the place of its plain counterpart: augmentation that of none,
GRU and transformer that of an LSTM, a gated residual MLP that of a plain one, each fusion that of
concatenation. With copies of recordings a training takes as many steps, which are fewer epochs. A
line a part: the mean gain in UAR over the plain network, in points, and its standard error over the
pairs of trainings. The epoch is the best one in both; a gain of less than two standard errors is
none. Figures of the twin are synthetic.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from budgets import configuration, utterances

from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.config.training import AugmentationConfig, Perturbation
from emotion_hpo.corpus import open_corpus
from emotion_hpo.dataset import Dataset, Preprocessor
from emotion_hpo.features.perturbed import Perturbed
from emotion_hpo.features.preparation import quiet
from emotion_hpo.features.store import Shard, prepare
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models import build_network, keep_freed_memory
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import Epoch
from emotion_hpo.training.loop import fit

Changes = Mapping[str, object]

#: What was changed of the recordings → session → its features.
Copies = Mapping[Perturbation, Callable[[str], Shard]]

_LSTM = {"name": "lstm", "units": 32, "depth": 1, "bidirectional": True, "pooling": "attention"}
_TRANSFORMER = {
    "name": "transformer", "units": 64, "depth": 1, "heads": 4, "feed_forward": 2.0,
    "pooling": "attention",
}  # fmt: skip
_RESIDUAL = {"name": "residual_mlp", "units": 32, "depth": 1, "expansion": 1.0}
_WORDS = {"embedding": {"vectors": "random", "dimensions": 64, "trainable": True}}
_WIDTH = {"output_units": 64}
ENCODERS: dict[str, Changes] = {
    "speech": {**_LSTM, **_WIDTH},
    "functionals": {"name": "mlp", "units": 32, "depth": 1, **_WIDTH},
    "text": {**_LSTM, **_WORDS, **_WIDTH},
}

#: Network → the modalities that it reads.
NETWORKS = {
    "speech": ("speech",),
    "functionals": ("functionals",),
    "text": ("text",),
    "speech + functionals": ("speech", "functionals"),
    "text + speech": ("text", "speech"),
}

#: Strengths within what the papers use.
_AUGMENTATIONS = {
    "time_mask": 0.4, "feature_mask": 0.1, "noise": 0.3, "gain": 0.1, "word_dropout": 0.1,
    "mixup": 0.2,
}  # fmt: skip
_COPIES = {"speed": 0.1, "pitch": 2.0}
_FUSIONS: dict[str, Changes] = {
    "gated": {"name": "gated", "units": 64},
    "low_rank": {"name": "low_rank", "units": 64, "rank": 4},
    "cross_attention": {
        "name": "cross_attention", "units": 32, "depth": 1, "heads": 2, "feed_forward": 2.0
    },
}  # fmt: skip


def parts(network: str) -> Iterator[tuple[str, Changes]]:
    """What is tried in a network: its name, and the settings that it changes."""
    modalities = NETWORKS[network]
    if len(modalities) > 1:
        for name, fusion in _FUSIONS.items():
            yield name, {"model.fusion": fusion}
        return
    where = f"model.encoders.{modalities[0]}"
    if network == "functionals":
        yield "residual_mlp", {where: {**_RESIDUAL, **_WIDTH}}
        yield "residual_mlp, input_dropout", {where: {**_RESIDUAL, **_WIDTH, "input_dropout": 0.3}}
    else:
        words = _WORDS if network == "text" else {}
        yield "gru", {f"{where}.name": "gru"}
        yield "transformer", {where: {**_TRANSFORMER, **words, **_WIDTH}}
    reads = {
        "text": ("word_dropout", "mixup"),
        "functionals": ("feature_mask", "noise", "gain", "mixup"),
        "speech": ("time_mask", "feature_mask", "noise", "gain", "mixup"),
    }
    for kind in reads[network]:
        strength = _AUGMENTATIONS[kind]
        yield f"{kind} {strength}", {f"training.augmentation.{kind}": strength}
    if network != "text":
        for kinds in (("speed",), ("pitch",), ("speed", "pitch")):
            name = ", ".join(f"{kind} {_COPIES[kind]}" for kind in kinds)
            yield name, {f"training.augmentation.{kind}": _COPIES[kind] for kind in kinds}


@dataclass(frozen=True)
class Case:
    """A network's training and validation part on a corpus, and copies of its recordings."""

    config: SearchConfig
    preprocessor: Preprocessor
    train: Dataset
    validation: Dataset
    copies: Copies

    @classmethod
    def of(
        cls, config: SearchConfig, train: Utterances, validation: Utterances, copies: Copies
    ) -> "Case":
        """Read both parts."""
        preprocessor = Preprocessor.fit(train, config.features, tuple(config.model.encoders))
        both = (preprocessor.transform(part) for part in (train, validation))
        return cls(config, preprocessor, *both, copies)

    def uar(self, changes: Changes, seed: int) -> float:
        """Train once; the UAR of the best epoch."""
        plain = dump(self.config)
        for path, value in changes.items():
            plain = with_value(plain, path, value)
        own = self.train.utterances
        config, _ = resolve_budget(build(SearchConfig, plain), len(own))
        train, n_classes = self.train, len(own.classes)
        if perturbations := config.perturbations:
            part = Development((), own, self.copies).with_copies(own, perturbations)
            train = self.preprocessor.transform(part)
        network = build_network(config.model, self.preprocessor.shapes(), n_classes, seed=seed)
        values: list[float] = []

        def on_epoch(epoch: Epoch, *_: object) -> bool:
            values.append(epoch.metrics["val/uar"])
            return False

        fit(network, train, self.validation, config.training, seed, on_epoch)
        return max(values)


def network_of(modalities: tuple[str, ...], n_steps: int, *overrides: str) -> SearchConfig:
    """The study of a small network on a corpus."""
    plain = dump(configuration("model=speech", *overrides))
    plain = with_value(plain, "model.encoders", {name: ENCODERS[name] for name in modalities})
    plain = with_value(plain, "model.fusion", {"name": "concat", "units": 64})
    return build(SearchConfig, with_value(plain, "training.steps", n_steps))


def copies_of(config: SearchConfig, folder: Path, leave_out: str | None = None) -> Copies:
    """Every copy of a corpus's recordings that a part reads."""
    augmentation = AugmentationConfig.model_validate(_COPIES)
    corpus, copies = open_corpus(config.corpus), {}
    for copy in augmentation.perturbations:
        changed = Perturbed.open(corpus, copy)
        store = prepare(changed, config.features, folder, 1, quiet, leave_out=leave_out)
        copies[copy] = cache(store.open)
    return copies


def cases(
    modalities: tuple[str, ...], n_steps: int, berlin: Path | None, scale: float, folder: Path
) -> Iterator[tuple[str, list[Case]]]:
    """Each corpus's folds."""
    # Others judge than are learnt from, on both
    scaled = [f"features.{name}.normalise=speaker" for name in modalities if name != "text"]
    if berlin is not None and "text" not in modalities:  # all speakers say the same sentences
        where = ("corpus=emodb", f"corpus.root={berlin}")
        config, pairs = network_of(modalities, n_steps, *where, *scaled), ("1", "2", "3", "4")
        copies = copies_of(config, folder, leave_out="5")
        yield (
            "berlin",
            [
                Case.of(
                    config,
                    utterances(config, folder, [other for other in pairs if other != pair]),
                    utterances(config, folder, [pair]),
                    copies,
                )
                for pair in pairs
            ],
        )
    if scale:
        config, other = (
            network_of(modalities, n_steps, f"corpus.scale={scale}", f"corpus.seed={seed}", *scaled)
            for seed in (0, 1)
        )
        parts_read = (utterances(each, folder) for each in (config, other))
        yield "twin", [Case.of(config, *parts_read, copies_of(config, folder))]


def compare(
    corpus: str, network: str, folds: list[Case], n_seeds: int, only: list[str]
) -> Iterator[dict[str, object]]:
    """Train the plain network and each part in its place; print and return the paired gains."""
    pairs = [(fold, seed) for fold in folds for seed in range(n_seeds)]
    start = time.perf_counter()
    plain = np.array([fold.uar({}, seed) for fold, seed in pairs])
    seconds = time.perf_counter() - start
    head = f"{corpus}, {network}: UAR {100 * plain.mean():.1f} plain"
    print(f"{head}, {len(pairs)} trainings of {seconds / len(pairs):.1f} s", flush=True)
    for name, changes in parts(network):
        if only and name not in only:
            continue
        gains = 100 * (np.array([fold.uar(changes, seed) for fold, seed in pairs]) - plain)
        error = gains.std(ddof=1) / len(gains) ** 0.5
        print(f"  {name:<28}{gains.mean():+.1f} ± {error:.1f}", flush=True)
        yield {"corpus": corpus, "network": network, "part": name, "gains": gains.tolist()}


def main() -> None:
    """Compare every part, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=0.1, help="share of the twin; 0: none of it")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--berlin", type=Path)
    parser.add_argument("--only", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--parts", nargs="*", default=[], help="by their names in the table")
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    lines = []
    for network in options.only:
        where = (options.berlin, options.scale, options.folder / "features")
        for corpus, folds in cases(NETWORKS[network], options.steps, *where):
            lines += compare(corpus, network, folds, options.seeds, options.parts)
    if options.output is not None:
        options.output.write_text(json.dumps(lines, indent=1), "utf-8")


if __name__ == "__main__":
    main()
