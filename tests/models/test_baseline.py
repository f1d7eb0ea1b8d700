"""The baseline beats chance, sees its training part alone, and does with what a corpus has."""

from types import SimpleNamespace

import numpy as np
import pytest

from emotion_hpo.config import LinearModel
from emotion_hpo.dataset import Preprocessor
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models.baseline import Baseline, has_new_speakers
from tests.pipeline import SMALL, compose_config

FEATURES = compose_config(*SMALL).features
PLAIN = LinearModel(name="baseline", learner="linear", c=3.0)


@pytest.mark.parametrize("parts", [("text",), ("speech",), ("mocap",), None])
def test_every_part_alone_and_together(small_parts, parts):
    train, validation = small_parts[0].folds[0].train, small_parts[0].folds[0].validation
    fitted = Baseline.fit(train, FEATURES, parts=parts)
    answers = fitted.probabilities(validation)
    assert fitted.parts == (parts or ("functionals", "mocap", "text"))
    assert answers.shape == (len(validation), len(validation.classes))
    np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-5)
    learnt = (fitted.probabilities(train).argmax(1) == train.labels).mean()
    assert learnt > np.bincount(train.labels).max() / len(train)
    again = Baseline.fit(train, FEATURES, parts=parts)
    assert np.array_equal(answers, again.probabilities(validation))
    assert again.model == fitted.model


def test_validation_is_not_looked_at(small_parts):
    """Speakers of their own ask for another choice; nothing else of them is known."""
    assert not has_new_speakers(small_parts[0])


def test_a_class_that_training_lacks_has_no_share(small_parts):
    train = small_parts[0].folds[0].train
    without = train.subset(np.flatnonzero(train.labels != 2))
    answers = Baseline.fit(without, FEATURES, parts=("text",)).probabilities(train)
    assert answers.shape[1] == len(train.classes)
    assert not answers[:, 2].any()


def only(train, rows, **columns):
    """Some rows, their table changed."""
    part = train.subset(np.flatnonzero(rows))
    part.table = part.table.assign(**columns)
    return part


@pytest.mark.parametrize("parts", [("text",), ("speech",), None])
def test_one_class_is_all_that_it_knows(small_parts, parts):
    train = small_parts[0].folds[0].train
    fitted = Baseline.fit(only(train, train.labels == 1), FEATURES, parts=parts)
    answers = fitted.probabilities(train)
    assert (answers[:, 1] == 1).all()
    assert (answers.sum(1) == 1).all()


def test_without_words_it_answers_by_the_shares_of_the_classes(small_parts):
    train = small_parts[0].folds[0].train
    mute = only(train, train.labels >= 0, transcript="...")
    shares = np.bincount(train.labels, minlength=len(train.classes)) / len(train)
    fitted = Baseline.fit(mute, FEATURES, parts=("text",))
    assert fitted.parts == ()
    np.testing.assert_allclose(fitted.probabilities(train), np.tile(shares, (len(train), 1)), 1e-6)


def test_a_modality_that_training_lacks_is_left_out(small_parts):
    train = small_parts[0].folds[0].train
    mute = only(train, train.labels >= 0, transcript=None)
    both, speech = (
        Baseline.fit(mute, FEATURES, parts=parts, model=PLAIN)
        for parts in (("text", "speech"), ("speech",))
    )
    np.testing.assert_array_equal(both.probabilities(train), speech.probabilities(train))
    deaf = Baseline.fit(train.without("speech"), FEATURES, parts=("text", "speech"), model=PLAIN)
    text = Baseline.fit(train, FEATURES, parts=("text",), model=PLAIN)
    np.testing.assert_array_equal(deaf.probabilities(train), text.probabilities(train))


def test_a_session_without_any_speech_has_no_width(small_parts):
    train = small_parts[0].folds[0].train
    nothing = {"speech": [np.zeros((0, 0), np.float32)] * len(train)}
    widthless = SimpleNamespace(features=nothing, extracted=frozenset())
    places = np.stack([np.zeros(len(train), np.int64), np.arange(len(train))], axis=1)
    mute = Utterances(train.table, train.classes, (widthless,), places)
    answers = Baseline.fit(train, FEATURES, parts=("speech",), model=PLAIN).probabilities(mute)
    assert np.ptp(answers, axis=0).max() == 0, "the average stands where it is missing"
    preprocessor = Preprocessor.fit(train, FEATURES, ("speech",))
    batch = preprocessor.transform(mute).batch(np.arange(len(mute)))
    assert not batch.modalities["speech"].present.any()
