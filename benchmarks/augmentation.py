"""What augmentation gains, paired by seed and fold: `python benchmarks/augmentation.py`.

    python benchmarks/augmentation.py [--seeds 3] [--twin 1000] [--berlin FOLDER] [--only noise …]
        [--folder studies] [--output augmentation.json]

The network of `conf/model/speech.yaml` (features scaled by speaker) on the Berlin recordings, where
each pair of speakers validates once (`--berlin` names the folder that holds `wav/`), and those of
`speech.yaml` and `text.yaml` on some utterances of the twin, which a twin of another seed judges.
Trained for as long as `training.epochs: auto` says. A line a kind and strength: the mean gain in
UAR over no augmentation, in points, and its standard error over the pairs of trainings. The epoch
is the best one in both. Figures of the twin are synthetic.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.budgets import configuration, utterances
from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.dataset import Dataset, Preprocessor
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models import build_network, keep_freed_memory
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.study import Epoch
from emotion_hpo.training.loop import fit

#: Strengths that the papers use, and weaker ones.
KINDS = {
    "time_mask": (0.2, 0.4),
    "feature_mask": (0.1, 0.3),
    "noise": (0.1, 0.3),
    "gain": (0.1, 0.3),
    "word_dropout": (0.1, 0.3),
    "mixup": (0.2, 1.0),
}


@dataclass(frozen=True)
class Case:
    """A network's training and validation part on a corpus."""

    corpus: str
    config: SearchConfig
    preprocessor: Preprocessor
    train: Dataset
    validation: Dataset

    @classmethod
    def of(
        cls, corpus: str, config: SearchConfig, train: Utterances, validation: Utterances
    ) -> "Case":
        """Read both parts, and decide how long a training is."""
        preprocessor = Preprocessor.fit(train, config.features, tuple(config.model.encoders))
        parts = (preprocessor.transform(part) for part in (train, validation))
        return cls(corpus, resolve_budget(config, len(train))[0], preprocessor, *parts)

    def uar(self, kind: str | None, strength: float, seed: int) -> float:
        """Train once; the UAR of the best epoch."""
        plain = dump(self.config)
        if kind is not None:
            plain = with_value(plain, f"training.augmentation.{kind}", strength)
        config = build(SearchConfig, plain)
        n_classes = len(self.train.utterances.classes)
        network = build_network(config.model, self.preprocessor.shapes(), n_classes, seed=seed)
        values: list[float] = []

        def on_epoch(epoch: Epoch, *_: object) -> bool:
            values.append(epoch.metrics["val/uar"])
            return False

        fit(network, self.train, self.validation, config.training, seed, on_epoch)
        return max(values)


def cases(berlin: Path | None, n_twin: int, folder: Path) -> Iterator[list[Case]]:
    """Each corpus's folds."""
    if berlin is not None:
        scaled = "features.speech.normalise=speaker"
        config = configuration("corpus=emodb", f"corpus.root={berlin}", "model=speech", scaled)
        sessions = ("1", "2", "3", "4", "5")
        yield [
            Case.of(
                "berlin/speech",
                config,
                utterances(config, folder, [other for other in sessions if other != session]),
                utterances(config, folder, [session]),
            )
            for session in sessions
        ]
    if n_twin:
        for model in ("speech", "text"):
            config = configuration(f"model={model}")
            other = configuration(f"model={model}", "corpus.seed=1", "corpus.scale=0.1")
            train = utterances(config, folder).subset(slice(0, n_twin))
            yield [Case.of(f"twin/{model}", config, train, utterances(other, folder))]


def main() -> None:
    """Train with and without each kind, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--twin", type=int, default=1000)
    parser.add_argument("--berlin", type=Path)
    parser.add_argument("--only", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    lines = []
    for folds in cases(options.berlin, options.twin, options.folder / "features"):
        pairs = [(fold, seed) for fold in folds for seed in range(options.seeds)]
        plain = np.array([fold.uar(None, 0.0, seed) for fold, seed in pairs])
        name = folds[0].corpus
        print(f"{name}: UAR {100 * plain.mean():.1f} without, {len(pairs)} trainings", flush=True)
        for kind in options.only:
            if (kind == "word_dropout") != ("text" in name) and kind != "mixup":
                continue  # it changes nothing that this network reads
            for strength in KINDS[kind]:
                values = np.array([fold.uar(kind, strength, seed) for fold, seed in pairs])
                gains = 100 * (values - plain)
                error = gains.std(ddof=1) / len(gains) ** 0.5
                shown = f"{gains.mean():+.1f} ± {error:.1f}"
                print(f"  {kind:<14}{strength:>5}  {shown}", flush=True)
                lines.append(
                    {"corpus": name, "kind": kind, "strength": strength, "gains": gains.tolist()}
                )
    if options.output is not None:
        options.output.write_text(json.dumps(lines, indent=1), "utf-8")


if __name__ == "__main__":
    main()
