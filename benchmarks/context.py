"""What reading the dialogue adds to an epoch, and what frozen encoders leave of it.

    python benchmarks/context.py [--turns 10039] [--model auto] [--rounds 3]

On invented turns of IEMOCAP's shape: 151 dialogues, 11.6 words, frames of speech and one vector of
functionals a turn, of which half have a label. An epoch of a preset's encoders over *all* turns
without context (each labelled), with each context over the same turns, and with frozen encoders,
whose vectors were computed before. They take turns in one run; the fastest of each counts, in
seconds of the processor.
"""

import argparse
import time

import numpy as np
import pandas as pd
from figures import compare, hand_over
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import ExperimentConfig, build
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.runtime.torch_internals import stay_eager
from emotion_hpo.training.learner import build_learner, fit_preprocessor

CLASSES = ("ang", "hap", "neu", "sad")
N_TURNS, N_DIALOGUES, N_WORDS = 10_039, 151, 2_736
CONTEXTS = ("recurrent", "attention", "speaker_recurrent")
FEATURES = {"speech": (34, 45), "functionals": (882, 1)}  # columns, mean number of frames


class Shelf:
    """Features in memory."""

    extracted = frozenset[str]()

    def __init__(self, table: pd.DataFrame, features: dict[str, list[np.ndarray]]) -> None:
        self.table, self.features = table, features


def make_turns(n_turns: int) -> Utterances:
    """Turns of two speakers, their lengths drawn as those of speech are: many short, few long."""
    generator = np.random.default_rng(0)
    dialogue = np.sort(generator.integers(N_DIALOGUES * n_turns // N_TURNS or 1, size=n_turns))
    turn = np.arange(n_turns) - np.searchsorted(dialogue, dialogue)
    share = generator.gamma(2, 0.5, n_turns)
    features = {
        name: [
            generator.standard_normal((1 if mean == 1 else max(1, round(mean * part)), columns))
            for part in share
        ]
        for name, (columns, mean) in FEATURES.items()
    }
    words = [generator.integers(N_WORDS, size=max(1, round(11.6 * part))) for part in share]
    emotions = generator.choice(np.array(CLASSES, object), n_turns)
    emotions[generator.random(n_turns) < 0.5] = None
    table = pd.DataFrame(
        {
            "utterance_id": [f"u{row:06d}" for row in range(n_turns)],
            "session": "1",
            "dialogue": dialogue.astype(str),
            "speaker": generator.choice(["F", "M"], n_turns),
            "emotion": emotions,
            "turn": turn,
            "start_s": turn * 4.0,
            "end_s": turn * 4.0 + 3.5,
            "transcript": [" ".join(f"w{number}" for number in numbers) for numbers in words],
        }
    )
    arrays = {name: [part.astype(np.float32) for part in of] for name, of in features.items()}
    return Utterances.from_shards((Shelf(table, arrays),), CLASSES)


def configure(model: str, context: str, *, frozen: bool) -> ExperimentConfig:
    """A preset with the modalities that are there, a context, and one epoch."""
    batch = ("training.batch_size=64", "training.batch_turns=400")
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        composed = compose("search", [f"model={model}", "training.epochs=1", *batch])
    plain = OmegaConf.to_container(composed, resolve=True)
    plain = {name: plain[name] for name in ExperimentConfig.model_fields}
    for name in FEATURES:
        plain["features"].setdefault(name, {})["normalise"] = "corpus"
    plain["training"]["patience"] = None
    network = plain["model"]
    encoders = {name: network["encoders"][name] for name in ("text", *FEATURES)}
    network["encoders"] = {name: part | {"frozen": frozen} for name, part in encoders.items()}
    given = network.get("context") or {}
    is_given = given.get("name") == context
    network["context"] = given if is_given else {"name": context}
    network |= {"reads": "encoders", "vector": None, "sequence": None, "frames": "sequences"}
    return build(ExperimentConfig, plain)


class Candidate:
    """A configuration whose epochs are timed."""

    def __init__(self, config: ExperimentConfig, utterances: Utterances) -> None:
        self.preprocessor = fit_preprocessor(config, utterances)
        self.data = self.preprocessor.transform(utterances)
        self.learner = build_learner(config, self.preprocessor, len(CLASSES), seed=0)
        self.seconds = np.inf

    def take_turn(self) -> None:
        """Train for an epoch; seconds of the processor, for others may be at work."""
        began = time.process_time()
        self.learner.fit(self.data, None, 0, lambda *_: True)
        self.seconds = min(self.seconds, time.process_time() - began)


def main() -> None:
    """Time every candidate in turns and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=N_TURNS)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    stay_eager()
    keep_freed_memory()
    turns = make_turns(arguments.turns)
    everyone = turns.table.assign(emotion=turns.table["emotion"].fillna(CLASSES[0]))
    every = Utterances(everyone, CLASSES, turns._shards, turns._places)
    candidates = {}
    for context in ("none", *CONTEXTS):
        for frozen in (False, True):
            config = configure(arguments.model, context, frozen=frozen)
            data = every if context == "none" else turns.labelled()
            candidates[context, frozen] = Candidate(config, data)
    for candidate in candidates.values():
        candidate.take_turn()  # frozen encoders compute their vectors
        candidate.seconds = np.inf
    for _ in range(arguments.rounds):
        for candidate in candidates.values():
            candidate.take_turn()
    base = candidates["none", False].seconds
    print(f"model={arguments.model}, {len(turns):,} turns, an epoch in seconds; × without context")
    for context in ("none", *CONTEXTS):
        joint, frozen = (candidates[context, is_frozen].seconds for is_frozen in (False, True))
        print(
            f"  {context:18} {joint:7.2f} s  {joint / base:5.2f} ×"
            f"    frozen {frozen:6.3f} s  1/{joint / frozen:.0f}"
        )
        if context != "none":
            what = f"epoch, context {context}"
            hand_over(
                compare(what, joint, base, "s", "no context"),
                compare(f"{what}, frozen", frozen, joint, "s", "encoders trained"),
            )


if __name__ == "__main__":
    main()
