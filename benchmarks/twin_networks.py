"""The twin's difficulty, seen by the paper's networks: `python benchmarks/twin_networks.py`.

The networks of Tripathi et al. (2018): single modalities on a random 20 % of all utterances, where
the paper takes the last fifth by id or Session 5; the combined network on Session 5, as it does.
Prints the accuracy after the last epoch and that of the best one, which is what the paper reports;
means and deviations over seeds. Every figure is synthetic.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import ExperimentConfig, build
from emotion_hpo.dataset import Preprocessor
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models import build_network, keep_freed_memory
from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.training.loop import fit

#: Network, and the paper's accuracy in %.
NETWORKS = {
    "tripathi/speech_model4": 55.65,
    "tripathi/text_model3": 64.78,
    "tripathi/mocap_model1": 51.11,
    "tripathi/combined_text_speech": 68.40,
    "tripathi/combined": 71.04,
}


def configuration(model: str, epochs: int) -> ExperimentConfig:
    """A network with the paper's training on the full twin."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        composed = compose(
            "search",
            ["features=paper", f"model={model}", "training=paper", f"training.epochs={epochs}"],
        )
    plain = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(plain, dict)
    return build(ExperimentConfig, {name: plain[name] for name in ExperimentConfig.model_fields})


def parts(everything: Utterances, model: str, seed: int) -> tuple[Utterances, Utterances]:
    """What a network is trained on and what it is judged on."""
    if "combined" in model:
        is_test = (everything.table["session"] == "5").to_numpy(bool)
    else:
        is_test = np.random.default_rng(seed).random(len(everything)) < 0.2
    return everything.subset(np.flatnonzero(~is_test)), everything.subset(np.flatnonzero(is_test))


def accuracies(
    config: ExperimentConfig, everything: Utterances, model: str, seed: int
) -> Iterator[float]:
    """Accuracy after every epoch."""
    train, test = parts(everything, model, seed)
    preprocessor = Preprocessor.fit(train, config.features, tuple(config.model.encoders))
    network = build_network(config.model, preprocessor.shapes(), len(train.classes), seed=seed)
    accuracies_: list[float] = []

    def on_epoch(epoch: object, *_: object) -> bool:
        accuracies_.append(epoch.metrics["val/accuracy"])  # type: ignore[attr-defined]
        return False

    fit(
        network,
        preprocessor.transform(train),
        preprocessor.transform(test),
        config.training,
        seed,
        on_epoch,
    )
    yield from accuracies_


def main() -> None:
    """Train every network from every seed and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(NETWORKS))
    parser.add_argument("--features", type=Path, default=Path("studies/features"))
    options = parser.parse_args()
    torch.set_num_threads(n_cores())
    keep_freed_memory()
    print(f"accuracy in % on synthetic data, {options.seeds} seeds, {options.epochs} epochs")
    print(f"{'network':<32}{'last epoch':>16}{'best epoch':>16}{'paper':>8}")
    for model in options.only:
        config = configuration(model, options.epochs)
        store = prepare_features(config, options.features, quiet)
        shards = tuple(map(store.open, store.sessions))
        everything = Utterances.from_shards(shards, store.classes).labelled()
        curves = [
            list(accuracies(config, everything, model, seed)) for seed in range(options.seeds)
        ]
        last, best = (
            100 * np.array([pick(curve) for curve in curves]) for pick in (lambda c: c[-1], max)
        )
        spread = [
            f"{values.mean():.1f} ± {values.std(ddof=1) if len(values) > 1 else 0:.1f}"
            for values in (last, best)
        ]
        print(f"{model:<32}{spread[0]:>16}{spread[1]:>16}{NETWORKS[model]:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
