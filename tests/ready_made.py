"""Models that learnt from ready-made features: small manifests, trained for an epoch."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from emotion_hpo.config import ExperimentConfig, build, dump, with_value
from emotion_hpo.corpus import open_corpus
from emotion_hpo.features.preparation import quiet
from emotion_hpo.features.store import prepare
from emotion_hpo.final.plan import Recipe
from emotion_hpo.final.retraining import Retraining
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.search.life import Life
from emotion_hpo.search.purposes.final import train_final
from emotion_hpo.splits.parts import Development, split
from emotion_hpo.study import FinalHome, StudyHome, Trial, TrialState
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.job import IsStored, Job, TrainedBatch

CLASSES = ("ang", "sad")
WORDS = ("angry mad stop", "sorry sad lost")
RATE = 16_000
#: Of `speech`, as a sequence; of `video`, as a vector.
N_FRAMES, WIDTH, VIDEO_WIDTH = 5, 34, 6

SEQUENCES = {
    "name": "lstm", "units": 4, "depth": 1, "bidirectional": False, "pooling": "attention",
    "output_units": 4,
}  # fmt: skip
VECTORS = {"name": "mlp", "units": 4, "depth": 1, "output_units": 4}
TOKENS = SEQUENCES | {
    "embedding": {"vectors": "random", "dimensions": 4, "trainable": True},
    "pooling": "last",
}


def write_manifest(folder: Path, *, with_audio: bool) -> pd.DataFrame:
    """Five sessions of two speakers and four utterances; `speech.npy` and `video.npy` beside it."""
    generator = np.random.default_rng(0)
    rows = [
        {"utterance_id": f"u{session}{speaker}{turn}", "speaker": f"s{session}{speaker}",
         "session": str(session), "emotion": CLASSES[turn % 2], "transcript": WORDS[turn % 2]}
        for session in range(1, 6)
        for speaker in "AB"
        for turn in range(4)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    if with_audio:
        soundfile.write(folder / "a.wav", 0.1 * generator.standard_normal(RATE // 2), RATE)
        table["audio"] = "a.wav"
    table.to_csv(folder / "table.csv", index=False)
    labels = table["emotion"].map(CLASSES.index).to_numpy()[:, None]
    speech = labels[:, None] + generator.standard_normal((len(table), N_FRAMES, WIDTH))
    np.save(folder / "speech.npy", speech)
    np.save(folder / "video.npy", labels + generator.standard_normal((len(table), VIDEO_WIDTH)))
    return table


def train(
    base: ExperimentConfig,
    folder: Path,
    features: tuple[str, ...],
    encoders: Mapping[str, Any],
    *,
    synthetic: bool = False,
) -> SavedModel:
    """What `final` stores of a network with these encoders, on the folder's manifest."""
    settings = {
        "name": "manifest", "table": str(folder / "table.csv"), "classes": None, "strict": False,
        "features": {name: str(folder / f"{name}.npy") for name in features},
        "synthetic": synthetic,
    }  # fmt: skip
    plain = with_value(with_value(dump(base), "corpus", settings), "model.encoders", dict(encoders))
    config = build(ExperimentConfig, plain)
    corpus = open_corpus(config.corpus)
    store = prepare(corpus, config.features, folder / "features", n_workers=1, on_progress=quiet)
    development, _ = split(store, config.split)
    recipe = Recipe("trial_0", 0, None, config, epochs=1, seeds=(0,))
    retrain = Retraining(development.everything, store, partial(_train, folder, development))
    return retrain([recipe], lambda _name: FinalHome(folder / "final"))[recipe.name]


def _train(
    folder: Path, development: Development, jobs: Sequence[Job], _is_stored: IsStored
) -> TrainedBatch:
    """Train jobs without a study, as a worker would."""
    home, data_module = StudyHome(folder, "batch"), DataModule(development)
    trials = {job.name: Trial(number, TrialState.COMPLETE) for number, job in enumerate(jobs)}
    for number, job in enumerate(jobs):
        home.trial(number).path.mkdir(parents=True)
        claim: Any = SimpleNamespace(job=job, config=job.config)
        nothing: Any = None
        files = home.trial(number)
        life = Life(claim, home, files, (), nothing, data_module, nothing, None, lambda: False)
        train_final(life)
    return TrainedBatch(home, trials)
