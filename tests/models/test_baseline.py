"""The baseline beats chance, sees its training part alone, and does with what a corpus has."""

import numpy as np
import pytest

from emotion_hpo.models.baseline import Baseline, _functionals, parts_of


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
    assert parts_of(modalities) == parts
