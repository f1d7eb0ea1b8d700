"""Classes that a part of a split lacks are told, with counts; what nothing can learn is refused."""

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.splits.class_coverage import (
    describe_missing_by_session,
    describe_missing_classes,
    describe_missing_in_test,
)
from emotion_hpo.splits.parts import Development, Fold

CLASSES = ("hap", "sad", "[neu]")


def utterances(labels, classes=CLASSES):
    table = pd.DataFrame({"utterance_id": [f"u{n}" for n in range(len(labels))], "emotion": labels})
    return Utterances(table, classes, (), np.zeros((len(labels), 2), np.int64))


def divided(*folds, classes=CLASSES):
    parts = [Fold(name, utterances(train, classes), utterances(validation, classes))
             for name, train, validation in folds]  # fmt: skip
    everything = [label for _, train, validation in folds for label in (*train, *validation)]
    return Development(tuple(parts), utterances(everything, classes))


def test_parts_with_every_class_need_no_word():
    assert describe_missing_classes(divided(("validation", CLASSES * 2, CLASSES))) == []


def test_a_part_that_lacks_a_class_says_so_with_counts():
    assert describe_missing_classes(
        divided(("validation", ["hap", "sad", "sad"], ["sad", "[neu]"]))
    ) == [
        "no utterance of [neu] in the training part (hap 1, sad 2, [neu] 0): it is not learnt "
        "there",
        "no utterance of hap in the validation part (hap 0, sad 1, [neu] 1): it is not judged "
        "there, and the UAR is of the others",
    ]


def test_folds_that_lack_a_class_are_named():
    whole, lacking = [*CLASSES], ["hap", "sad"]
    folds = [("a", whole, lacking), ("b", whole, whole), ("c", whole, lacking)]
    assert describe_missing_classes(divided(*folds)) == [
        "no utterance of [neu] in the validation part of 2 of 3 folds (a, c): it is not judged "
        "there, and the UAR is of the others",
    ]


def test_a_class_that_nothing_can_learn_is_refused():
    said = r"no utterance of \[neu\] outside the test session \(hap 2, sad 2, \[neu\] 0\)"
    with pytest.raises(ConfigError, match=said):
        describe_missing_classes(divided(("validation", ["hap", "sad"], ["hap", "sad"])))


def test_two_spellings_are_told():
    labels = ["Happy", "happy", "happy"]
    (line,) = describe_missing_classes(
        divided(("validation", labels, labels), classes=("Happy", "happy"))
    )
    assert "2 of Happy, 4 of happy" in line


def test_the_test_part():
    assert describe_missing_in_test({"hap": 3, "sad": 0}, "1.10") == [
        "no utterance of sad in the test part, session 1.10 (hap 3, sad 0): it has no recall, and "
        "the UAR is of the others"
    ]
    assert describe_missing_in_test({"hap": 3, "sad": 1}, "1.10") == []


def test_sessions():
    counts = {"1": {"hap": 3, "sad": 0}, "2": {"hap": 1, "sad": 2}, "3": {"hap": 1, "sad": 0}}
    assert describe_missing_by_session(counts) == ["no utterance of sad in 2 of 3 sessions (1, 3)"]
