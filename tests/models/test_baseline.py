"""The baseline beats chance, sees its training part alone, and does with what a corpus has."""

from types import SimpleNamespace

import numpy as np
import pytest

from emotion_hpo.dataset import Preprocessor
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models.baseline import Baseline, _functionals, choose_parts
from tests.pipeline import SMALL, compose_config


@pytest.mark.parametrize("parts", [("text",), ("speech",), ("text", "speech"), ("mocap",)])
def test_every_part_alone_and_together(small_parts, parts):
    train, validation = small_parts[0].folds[0].train, small_parts[0].folds[0].validation
    fitted = Baseline.fit(train, parts)
    found = fitted.probabilities(validation)
    assert found.shape == (len(validation), len(validation.classes))
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    learnt = (fitted.probabilities(train).argmax(1) == train.labels).mean()
    assert learnt > np.bincount(train.labels).max() / len(train)
    assert np.array_equal(found, Baseline.fit(train, parts).probabilities(validation))


def test_a_class_that_training_lacks_has_no_share(small_parts):
    train = small_parts[0].folds[0].train
    without = train.subset(np.flatnonzero(train.labels != 2))
    found = Baseline.fit(without, ("text",)).probabilities(train)
    assert found.shape[1] == len(train.classes)
    assert not found[:, 2].any()


def test_functionals_are_means_and_deviations(small_parts):
    train = small_parts[0].folds[0].train
    frames = train.sequence("speech", 3).astype(float)
    expected = np.concatenate([frames.mean(0), frames.std(0)])
    np.testing.assert_allclose(_functionals(train, "speech")[3], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("modalities", "parts"),
    [
        (("mocap", "speech", "text"), ("text", "speech")),
        (("speech",), ("speech",)),
        (("text", "video"), ("text", "video")),
        (("video", "mocap"), ("video", "mocap")),
    ],
)
def test_it_looks_at_what_there_is(modalities, parts):
    assert choose_parts(modalities) == parts


def only(train, rows, **columns):
    """Some rows, their table changed."""
    part = train.subset(np.flatnonzero(rows))
    part.table = part.table.assign(**columns)
    return part


@pytest.mark.parametrize("parts", [("text",), ("speech",), ("text", "speech")])
def test_one_class_is_all_that_it_knows(small_parts, parts):
    train = small_parts[0].folds[0].train
    found = Baseline.fit(only(train, train.labels == 1), parts).probabilities(train)
    assert (found[:, 1] == 1).all()
    assert (found.sum(1) == 1).all()


def test_without_words_it_answers_by_the_shares_of_the_classes(small_parts):
    train = small_parts[0].folds[0].train
    mute = only(train, train.labels >= 0, transcript="...")
    shares = np.bincount(train.labels, minlength=len(train.classes)) / len(train)
    np.testing.assert_allclose(
        Baseline.fit(mute, ("text",)).probabilities(train), np.tile(shares, (len(train), 1)), 1e-6
    )


def test_without_words_it_uses_what_else_there_is(small_parts):
    train = small_parts[0].folds[0].train
    mute = only(train, train.labels >= 0, transcript=None)
    both, speech = (Baseline.fit(mute, parts) for parts in (("text", "speech"), ("speech",)))
    np.testing.assert_array_equal(both.probabilities(train), speech.probabilities(train))


def test_a_modality_that_training_lacks_is_left_out(small_parts):
    train = small_parts[0].folds[0].train
    both = Baseline.fit(train.without("speech"), ("text", "speech"))
    text = Baseline.fit(train, ("text",))
    np.testing.assert_array_equal(both.probabilities(train), text.probabilities(train))


def test_a_session_without_any_speech_has_no_width(small_parts):
    train = small_parts[0].folds[0].train
    widthless = SimpleNamespace(features={"speech": [np.zeros((0, 0), np.float32)] * len(train)})
    places = np.stack([np.zeros(len(train), np.int64), np.arange(len(train))], axis=1)
    mute = Utterances(train.table, train.classes, (widthless,), places)
    fitted = Baseline.fit(train, ("speech",))
    found = fitted.probabilities(mute)
    assert np.ptp(found, axis=0).max() == 0, "the average stands where it is missing"
    preprocessor = Preprocessor.fit(train, compose_config(*SMALL).features, ("speech",))
    batch = preprocessor.transform(mute).batch(np.arange(len(mute)))
    assert not batch.modalities["speech"].present.any()
