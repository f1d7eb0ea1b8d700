"""Calibration, by hand and of models that are calibrated."""

import numpy as np
import pytest

from emotion_hpo.metrics import brier, calibration_error, reliability


def answers(seed, n=300, classes=4):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.7), n)
    labels = np.array([rng.choice(classes, p=one) for one in probabilities])
    return labels, probabilities


def test_by_hand():
    labels = np.array([0, 1, 1, 0])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1], [0.6, 0.4]])
    # Two bins of 0.9 (one of two right) and of 0.8 and 0.6 (all right): 2·0.4 + 0.2 + 0.4, over 4
    assert calibration_error(labels, probabilities, 10) == pytest.approx(1.4 / 4)
    assert brier(labels, probabilities) == pytest.approx((0.02 + 0.08 + 1.62 + 0.32) / 4)
    assert [(one.n, one.accuracy) for one in reliability(labels, probabilities, 10)] == [
        (1, 1.0),
        (1, 1.0),
        (2, 0.5),
    ]


def test_drawn_from_its_own_probabilities_a_model_is_calibrated():
    labels, probabilities = answers(0, n=40_000)
    assert calibration_error(labels, probabilities) < 0.01
    sure = np.eye(4)[probabilities.argmax(1)]
    assert calibration_error(labels, sure) > 0.2


def test_certain_and_right_is_perfect():
    labels = np.array([0, 1, 2])
    assert calibration_error(labels, np.eye(3)) == 0
    assert brier(labels, np.eye(3)) == 0
    assert sum(one.n for one in reliability(labels, np.full((3, 3), 1 / 3))) == 3
