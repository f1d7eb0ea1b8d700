"""What answers under a protocol are worth, on answers of which every score is known."""

import numpy as np
import pytest

from emotion_hpo.final.protocol_answers import Answers
from emotion_hpo.final.protocol_scores import combine, compare_pooled, score_pooled
from emotion_hpo.metrics import interval


def answers(labels, predicted, confidence=0.9, validation=(0, 1)):
    """Answers of three classes, each sure by the same confidence."""
    labels, predicted = np.array(labels), np.array(predicted)
    rest = (1 - confidence) / 2
    probabilities = np.full((len(labels), 3), rest, np.float32)
    probabilities[np.arange(len(labels)), predicted] = confidence
    return Answers(
        labels=labels,
        dialogues=np.array([f"d{row // 2}" for row in range(len(labels))]),
        probabilities=probabilities,
        validation=probabilities[[*validation]],
        validation_labels=labels[[*validation]],
        epoch=1, accuracies=np.array([0.5]), uars=np.array([0.5]),
        epoch_seconds=1.0, n_parameters=10, n_train=20,
    )  # fmt: skip


TRUTH = [0, 1, 2, 0, 1, 2]
RIGHT = answers(TRUTH, TRUTH)
HALF = answers(TRUTH, [0, 1, 2, 1, 2, 0])


def test_answers_are_read_back_as_they_were(tmp_path):
    RIGHT.save(tmp_path / "a" / "answers.npz")
    again = Answers.load(tmp_path / "a" / "answers.npz")
    for name, part in vars(RIGHT).items():
        np.testing.assert_array_equal(getattr(again, name), part)


def test_a_pooled_score_is_the_mean_of_seeds_and_its_ends_are_the_mean_of_theirs():
    score = score_pooled("accuracy", {"5": (RIGHT, HALF)})
    assert score.by_seed == (1.0, 0.5)
    assert score.mean == 0.75
    each = [
        interval("accuracy", part.labels, part.probabilities, [*map(str, part.dialogues)], 3)
        for part in (RIGHT, HALF)
    ]
    assert score.interval.ends == pytest.approx(np.mean([one.ends for one in each], axis=0))


def test_folds_are_pooled_before_they_are_scored():
    small = answers([0], [1], validation=(0,))
    score = score_pooled("accuracy", {"1": (RIGHT,), "2": (small,)})
    assert score.mean == pytest.approx(6 / 7)


def test_what_draws_nothing_stands_beside_each_seed_of_another():
    difference = compare_pooled({"5": (RIGHT, HALF)}, {"5": (HALF,)})
    assert difference.estimate == 0.25
    combined = combine(({"5": (RIGHT, HALF)}, {"5": (HALF,)}), "average")["5"]
    assert len(combined) == 2
    np.testing.assert_allclose(combined[1].probabilities, HALF.probabilities)


def test_a_difference_is_paired():
    difference = compare_pooled({"5": (RIGHT, RIGHT)}, {"5": (HALF, RIGHT)})
    assert difference.estimate == 0.25
    assert compare_pooled({"5": (HALF,)}, {"5": (HALF,)}).estimate == 0


def test_members_are_combined_by_their_rule():
    unsure = answers(TRUTH, [1, 2, 0, 0, 1, 2], confidence=0.5)
    sure_rows = {"5": (HALF,)}, {"5": (unsure,)}
    (by_confidence,) = combine(sure_rows, "maximum_confidence")["5"]
    assert by_confidence.probabilities.argmax(1).tolist() == [0, 1, 2, 1, 2, 0]
    (mean,) = combine(sure_rows, "average")["5"]
    np.testing.assert_allclose(mean.probabilities, (HALF.probabilities + unsure.probabilities) / 2)
    # validation's two rows are right by the first member alone, so that it has all the weight
    wrong = answers(TRUTH, [1, 2, 0, 1, 2, 0], confidence=0.99)
    (weighted,) = combine(({"5": (HALF,)}, {"5": (wrong,)}), "weighted")["5"]
    assert weighted.probabilities[:2].argmax(1).tolist() == [0, 1]
    assert weighted.n_parameters == 20
