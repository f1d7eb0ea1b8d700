"""The baseline of a study: of the training part alone, fitted once, beside the trials."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from emotion_hpo import metrics
from emotion_hpo.errors import StudyError
from emotion_hpo.models import baseline as module
from emotion_hpo.search.baseline import fit_or_read_baseline
from emotion_hpo.splits.parts import Development
from tests.pipeline import SMALL, compose_config

MODALITIES = ("functionals", "mocap", "speech", "text")
CONFIG = compose_config(*SMALL)


def test_figures_agree_with_the_stored_answers(make_study, small_parts):
    home, _ = make_study()
    development = small_parts[0]
    found = fit_or_read_baseline(home, development, MODALITIES, CONFIG)
    assert json.loads(home.baseline.read_text()) == found.to_json()
    assert found.parts == ("functionals", "mocap", "text")
    assert found.by_part.keys() == set(found.parts)
    assert found.model.startswith(("logistic regression at C = ", "linear SVM at C = "))
    assert found.n_train == len(development.folds[0].train)
    stored = np.load(home.baseline_probabilities)
    assert list(stored["utterance_id"]) == development.validation.ids
    scores = metrics.score_all(stored["label"], stored["probabilities"])
    assert found.validation.to_json() == scores


class _Other:
    """A shelf with other features than another's."""

    def __init__(self, shelf):
        self.features = {
            name: [1 - 2 * frames[row] for row in range(len(frames))]
            for name, frames in shelf.features.items()
        }
        self.extracted = shelf.extracted


def changed(utterances):
    """The same utterances with other labels, features and words."""
    others = utterances.on_other_shelves(_Other)
    classes = list(utterances.classes)
    next_class = dict(zip(classes, classes[1:] + classes[:1], strict=True))
    others.table = utterances.table.assign(
        emotion=utterances.table["emotion"].map(next_class),
        transcript=utterances.table["transcript"][::-1].to_numpy(),
    )
    return others


def test_validation_is_not_looked_at(make_study, small_parts, monkeypatch):
    """Other labels, features and words there: the same model is chosen, with the same weights."""
    development = small_parts[0]
    (fold,) = development.folds
    other_fold = replace(fold, validation=changed(fold.validation))
    assert not (other_fold.validation.labels == fold.validation.labels).any()
    other = Development((other_fold,), changed(development.everything))
    fit, outcomes = module.Baseline.fit, []

    def record(*arguments, **settings):
        fitted = fit(*arguments, **settings)
        outcomes[-1].append((fitted.model, fitted.state()))
        return fitted

    monkeypatch.setattr(module.Baseline, "fit", record)
    scores = []
    for home, part in ((make_study("a")[0], development), (make_study("b")[0], other)):
        outcomes.append([])
        scores.append(fit_or_read_baseline(home, part, MODALITIES, CONFIG))
    assert scores[0].validation != scores[1].validation
    for (model, state), (other_model, other_state) in zip(*outcomes, strict=True):
        assert model == other_model
        assert state.keys() == other_state.keys()
        assert all(torch.equal(state[part], other_state[part]) for part in state)


def test_it_is_fitted_once(make_study, small_parts, monkeypatch):
    home, _ = make_study()
    found = fit_or_read_baseline(home, small_parts[0], MODALITIES, CONFIG)
    monkeypatch.setattr(module, "Baseline", None)  # using it would fail
    assert fit_or_read_baseline(home, small_parts[0], MODALITIES, CONFIG) == found


@pytest.mark.parametrize("content", ['{"a', "{}", "[]", '{"model": 3}'])
def test_a_broken_file_is_named_and_kept(make_study, small_parts, content):
    home, _ = make_study()
    home.path.mkdir()
    home.baseline.write_text(content)
    with pytest.raises(StudyError, match=r"baseline\.json .*; restore it from a copy"):
        fit_or_read_baseline(home, small_parts[0], MODALITIES, CONFIG)
    assert home.baseline.read_text() == content


def test_one_part_needs_no_second_fit(make_study, small_parts):
    home, _ = make_study()
    found = fit_or_read_baseline(home, small_parts[0], ("mocap",), CONFIG)
    assert found.by_part == {"mocap": found.validation}


def test_the_loss_is_scikit_learns():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 30)
    answers = generator.dirichlet(np.ones(4), 30).astype(np.float32)
    expected = log_loss(labels, answers / answers.sum(1, keepdims=True), labels=range(4))
    assert metrics.score_all(labels, answers)["loss"] == pytest.approx(expected, rel=1e-4)
