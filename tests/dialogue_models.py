"""Models with a context that nobody has trained, and dialogues as their users have them."""

import torch
from pydantic import TypeAdapter

from emotion_hpo.config.classical import ClassicalModel
from emotion_hpo.features.origin import ReadyMade, describe_origins
from emotion_hpo.predict import Utterance
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.training.learner import build_learner, fit_preprocessor
from tests.dialogues import CLASSES, CONTEXTS, make_config, make_shelf, make_turns

READY_MADE = {
    "speech": ReadyMade(dimensions=5, is_vector=False),
    "voice": ReadyMade(dimensions=6, is_vector=True),
}


def make_saved_model(context="speaker_recurrent", reads="past", seed=0, **settings) -> SavedModel:
    """Two networks of words, frames and a vector, no weight of them zero."""
    plain = None if context is None else CONTEXTS[context] | {"reads": reads}
    config = make_config(plain, {"precision": "auto"}, **settings)
    preprocessor = fit_preprocessor(config, make_turns(make_shelf()).labelled())
    states = []
    for number in range(2):
        state = build_learner(config, preprocessor, len(CLASSES), seed=seed + number).state()
        generator = torch.Generator().manual_seed(seed + number)
        states.append(
            {
                name: value + 0.3 * torch.randn(value.shape, generator=generator)
                for name, value in state.items()
            }
        )
    origins = describe_origins(preprocessor.modalities, config.features, READY_MADE)
    return SavedModel(config, preprocessor, CLASSES, tuple(states), origins, synthetic=True)


def fit_classical(learner, **settings) -> SavedModel:
    """What is no network, and so one training alone, of words and a vector."""
    plain = {"name": learner, "learner": learner, "modalities": ("text", "voice")} | settings
    model = TypeAdapter(ClassicalModel).validate_python(plain)
    config = make_config().model_copy(update={"model": model})
    train = make_turns(make_shelf()).labelled()
    preprocessor = fit_preprocessor(config, train)
    fitted = build_learner(config, preprocessor, len(CLASSES), seed=0)
    fitted.fit(preprocessor.transform(train), None, 0, lambda *_: False)
    origins = describe_origins(
        preprocessor.modalities, config.features, {"voice": READY_MADE["voice"]}
    )
    return SavedModel(config, preprocessor, CLASSES, (fitted.state(),), origins, synthetic=False)


def make_utterances(shelf) -> list[Utterance]:
    """Every turn of a shelf, in the order of its table."""
    return [
        Utterance(
            text=row["transcript"],
            speaker=row["speaker"],
            features={name: shelf.features[name][place] for name in READY_MADE},
            dialogue=row["dialogue"],
            turn=row["turn"],
            start_s=None if row["start_s"] != row["start_s"] else row["start_s"],
            end_s=None if row["end_s"] != row["end_s"] else row["end_s"],
        )
        for place, row in enumerate(shelf.table.to_dict("records"))
    ]
