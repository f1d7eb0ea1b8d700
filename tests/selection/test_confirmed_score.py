"""What the confirmed winner is worth: read from its re-runs, less the luck of the choice."""

from types import SimpleNamespace

import numpy as np
import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.selection.confirmed_score import estimate_confirmed_score
from emotion_hpo.selection.leaders import PlannedConfirmation
from emotion_hpo.study import StudyHome
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.selection import Confirmation

N, N_CLASSES = 300, 4
CONFIG = SimpleNamespace(study=SimpleNamespace(objective="val/accuracy", value="best"))


def record_of(value, best_epochs):
    """What a training leaves, of which its value and its epochs count here."""
    return Confirmation(
        value=value, best_epochs=best_epochs, best_epoch=1, by_fold=(value, value),
        n_parameters=1000, seconds=1.0, seed=0,
    )  # fmt: skip


def confirmation(folder, accuracies, n_seeds=2, seed=0):
    """Re-runs on two folds, whose answers are right with a probability; all trials' files."""
    home, rng = StudyHome(folder, "study"), np.random.default_rng(seed)
    labels, folds = rng.integers(0, N_CLASSES, N), np.array(["1", "2"])[np.arange(N) % 2]
    dialogues = np.array([f"{fold}_{row // 10}" for row, fold in enumerate(folds)])
    wanted, means = [], []
    for number, accuracy in enumerate(accuracies):
        trial = home.trial(number)
        trial.path.mkdir(parents=True)
        np.savez(trial.probabilities, fold=folds, label=labels, dialogue=dialogues)
        values = []
        for index in range(n_seeds):
            right = rng.random(N) < accuracy
            given = np.where(right, labels, (labels + rng.integers(1, N_CLASSES, N)) % N_CLASSES)
            answers = np.eye(N_CLASSES, dtype=np.float16)[given]
            files = home.confirmation(number, index)
            files.path.mkdir(parents=True)
            each = {
                f"training_{place}": answers[folds == fold][None] for place, fold in enumerate("12")
            }
            np.savez(files.every_epoch, **each)
            value = np.mean([right[folds == fold].mean() for fold in "12"])
            write_record(files.record, record_of(float(value), (("1", 1), ("2", 1))))
            wanted.append(PlannedConfirmation(number, index, 0, is_default=False))
            values.append(value)
        means.append(np.mean(values))
    return home, wanted, means


def test_the_luck_of_the_choice_is_taken_off(tmp_path):
    gains, left = [], []
    for seed in range(3):
        home, wanted, means = confirmation(tmp_path / str(seed), [0.6] * 20, seed=seed)
        found = estimate_confirmed_score(home, CONFIG, max(means), wanted)
        gains.append(max(means) - 0.6)
        left.append(found.value - 0.6)
        assert found.interval.low < found.value < found.interval.high
        assert found.value == pytest.approx(max(means) - found.optimism)
    assert np.mean(gains) > 0.02
    assert abs(np.mean(left)) < 0.6 * np.mean(gains)


def test_a_clear_winner_keeps_its_mean_and_so_does_a_cheaper_one(tmp_path):
    home, wanted, means = confirmation(tmp_path, [0.5, 0.8, 0.55])
    for mean in (means[1], means[1] - 0.01):
        assert estimate_confirmed_score(home, CONFIG, mean, wanted).value == pytest.approx(
            mean, abs=0.005
        )


def test_a_failed_training_is_left_out(tmp_path):
    home, wanted, means = confirmation(tmp_path, [0.5, 0.8])
    record = Confirmation(value=None, reason="diverged")
    write_record(home.confirmation(0, 1).record, record)
    home.confirmation(0, 1).every_epoch.unlink()
    value = estimate_confirmed_score(home, CONFIG, means[1], wanted).value
    assert value == pytest.approx(means[1], abs=0.005)


def test_answers_that_are_gone_are_named(tmp_path):
    home, wanted, means = confirmation(tmp_path, [0.5, 0.8])
    home.confirmation(0, 1).every_epoch.unlink()
    with pytest.raises(StudyError, match=r"epochs\.npz is missing; restore it"):
        estimate_confirmed_score(home, CONFIG, means[1], wanted)


def test_an_interval_that_reaches_beyond_one_keeps_its_width(tmp_path):
    """Of folds that differ so much it has no end within the scores; no shift may draw one in."""
    home, wanted, _ = confirmation(tmp_path, [0.5, 0.8])
    with np.load(home.trial(0).probabilities) as stored:
        is_second = stored["fold"] == "2"
        truth = np.eye(N_CLASSES, dtype=np.float16)[stored["label"]]
    for one in wanted:  # the first fold is told without a fault, the second never
        right, wrong = truth[~is_second], np.roll(truth[is_second], 1, axis=1)
        np.savez(
            home.confirmation(one.number, one.index).every_epoch,
            training_0=right[None],
            training_1=wrong[None],
        )
    interval = estimate_confirmed_score(home, CONFIG, 0.6, wanted).interval
    assert (interval.low, interval.high) == (0, 1)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_what_is_expected_is_a_score_and_lies_in_its_interval(tmp_path, mean):
    """A mean of 1, less an optimism below nought, is not more than 1; nor is one of 0 less."""
    home, wanted, _ = confirmation(tmp_path, [0.5, 0.5, 0.5])
    expected = estimate_confirmed_score(home, CONFIG, mean, wanted)
    low, high = expected.interval.low, expected.interval.high
    assert 0 <= low <= expected.value <= high <= 1
    assert low < high


def test_smoothed_values_are_of_three_epochs(tmp_path):
    """What the confirmation subtracts is what the mean of three gained, not the last of them."""
    home, wanted, _ = confirmation(tmp_path, [0.6, 0.6, 0.6])
    rng, means = np.random.default_rng(0), {}
    with np.load(home.trial(0).probabilities) as stored:
        labels = [stored["label"][stored["fold"] == fold] for fold in "12"]
    for one in wanted:
        answers = [
            np.where(rng.random((15, len(truth))) < 0.6, truth, (truth + 1) % N_CLASSES)
            for truth in labels
        ]
        curves = [(given == truth).mean(1) for given, truth in zip(answers, labels, strict=True)]
        smoothed = [[np.mean(c[max(at - 3, 0) : at]) for at in range(1, 16)] for c in curves]
        files = home.confirmation(one.number, one.index)
        eyes = [np.eye(N_CLASSES, dtype=np.float16)[given] for given in answers]
        np.savez(files.every_epoch, training_0=eyes[0], training_1=eyes[1])
        ends = [(fold, int(np.argmax(c)) + 1) for fold, c in zip("12", smoothed, strict=True)]
        write_record(files.record, record_of(np.max(smoothed, 1).mean(), tuple(ends)))
        means.setdefault(one.number, []).append(np.max(smoothed, 1).mean())
    best = max(np.mean(one) for one in means.values())
    config = SimpleNamespace(study=SimpleNamespace(objective="val/accuracy", value="smoothed"))
    found = estimate_confirmed_score(home, config, best, wanted)
    assert found.optimism > 0.01
    assert found.value == pytest.approx(0.6, abs=0.02)
