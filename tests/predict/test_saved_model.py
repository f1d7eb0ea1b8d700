"""The file of a model: what it holds, and those that older versions wrote."""

import numpy as np
import torch

from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.training.learner import build_learner, fit_preprocessor
from tests.dialogues import CLASSES, CONTEXTS, make_config, make_shelf, make_turns


def saved(context, turns) -> SavedModel:
    config = make_config(context)
    preprocessor = fit_preprocessor(config, turns.labelled())
    learner = build_learner(config, preprocessor, len(CLASSES), seed=0)
    return SavedModel(config, preprocessor, CLASSES, (learner.state(),), {}, synthetic=True)


def answers(model: SavedModel, turns) -> np.ndarray:
    return model.probabilities(model.preprocessor.transform(turns.labelled()))[0]


def test_a_model_with_context_is_the_same_when_loaded(tmp_path):
    turns = make_turns(make_shelf())
    model = saved(CONTEXTS["attention"], turns)
    model.save(tmp_path / "model.pt")
    again = SavedModel.load(tmp_path / "model.pt")
    assert again.preprocessor.in_dialogues
    assert again.config == model.config
    assert np.array_equal(answers(again, turns), answers(model, turns))


def test_a_model_from_before_there_was_context_is_loaded(tmp_path):
    turns = make_turns(make_shelf())
    model = saved(None, turns)
    model.save(tmp_path / "model.pt")
    stored = torch.load(tmp_path / "model.pt", weights_only=True)
    del stored["preprocessor"]["in_dialogues"], stored["config"]["model"]["context"]
    torch.save(stored, tmp_path / "old.pt")
    old = SavedModel.load(tmp_path / "old.pt")
    assert not old.preprocessor.in_dialogues
    assert np.array_equal(answers(old, turns), answers(model, turns))
