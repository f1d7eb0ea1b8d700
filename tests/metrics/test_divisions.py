"""Divisions into parts: whole groups, no part empty, each with its share of every class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotion_hpo.metrics.divisions import balanced_divisions


def moods(n_groups=30):
    """Groups of ten, each mostly of one class, as dialogues are."""
    rng = np.random.default_rng(0)
    return rng.multinomial(10, np.eye(4)[rng.integers(0, 4, n_groups)] * 0.8 + 0.05).astype(float)


def share_of_each_part(counts, parts):
    """How much of each class each part has, `(divisions, parts, classes)`."""
    members = np.stack([parts == part for part in range(5)], axis=1)
    return members @ counts / counts.sum(0)


def test_each_part_has_its_share_of_every_class():
    counts = moods()
    balanced = share_of_each_part(counts, balanced_divisions(counts, 5, 100, 0))
    rng = np.random.default_rng(0)
    at_random = np.array([rng.permutation(np.arange(30) % 5) for _ in range(100)])
    assert balanced.std() < share_of_each_part(counts, at_random).std() / 2
    assert balanced.mean() == pytest.approx(0.2)


def test_divisions_differ_and_follow_the_seed():
    found = balanced_divisions(moods(), 5, 100, 0)
    np.testing.assert_array_equal(found, balanced_divisions(moods(), 5, 100, 0))
    together = found[:, :, None] == found[:, None, :]
    assert len(np.unique(together.reshape(100, -1), axis=0)) == 100
    often = together.mean(0)[~np.eye(30, dtype=bool)]
    assert often.max() < 0.6, "no two dialogues always go together"


@given(
    arrays(np.float64, st.tuples(st.integers(5, 12), st.integers(1, 5)), elements=st.integers(0, 9))
)
def test_no_part_is_empty(counts):
    counts[:, 0] += 1
    for division in balanced_divisions(counts, 5, 3, 0):
        assert set(division) == set(range(5))
