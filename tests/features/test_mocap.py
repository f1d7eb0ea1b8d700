"""Motion in parts: means that leave lost markers out."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_hpo.corpus.schema import MOTION_PARTS
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.mocap import N_COLUMNS, parts


def motion(n_frames: int, lost: float = 0.0, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    made = {}
    for name, width in MOTION_PARTS.items():
        made[name] = rng.standard_normal((n_frames, width)).astype(np.float32)
        made[name][rng.random((n_frames, width)) < lost] = np.nan
    return made


def slow(moved: dict[str, np.ndarray], n_parts: int) -> np.ndarray:
    """The definition, spelt out."""
    joined = np.concatenate([moved[name] for name in MOTION_PARTS], axis=1).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as wanted
        return np.stack([np.nanmean(part, axis=0) for part in np.array_split(joined, n_parts)])


@given(
    n_frames=st.integers(0, 60),
    n_parts=st.integers(1, 25),
    lost=st.sampled_from([0.0, 0.1, 0.7, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_is_the_mean_of_the_valid_frames(n_frames, n_parts, lost):
    moved = motion(n_frames, lost)
    ours = parts(moved, n_parts)
    assert ours.dtype == np.float32
    assert ours.shape == (n_parts, N_COLUMNS)
    np.testing.assert_allclose(ours, slow(moved, n_parts), rtol=1e-5, atol=1e-6)


@given(value=st.floats(-1e3, 1e3, width=32), n_frames=st.integers(20, 90))
@settings(max_examples=30, deadline=None)
def test_parts_of_constant_motion_are_that_constant(value, n_frames):
    still = {n: np.full((n_frames, w), value, np.float32) for n, w in MOTION_PARTS.items()}
    still["face"][::3] = np.nan
    averaged = parts(still, 10)
    assert (averaged[~np.isnan(averaged)] == np.float32(value)).all()


def test_columns_are_head_hand_face():
    moved = {name: np.full((4, w), i) for i, (name, w) in enumerate(MOTION_PARTS.items())}
    row = parts(moved, 2)[0]
    assert row.tolist() == [0] * 6 + [1] * 18 + [2] * 165


def test_streams_of_different_lengths_are_each_cut_by_their_own():
    moved = motion(40)
    moved["hand"] = moved["hand"][:37]
    expected = slow({**motion(37), "hand": moved["hand"]}, 10)
    np.testing.assert_allclose(parts(moved, 10)[:, 6:24], expected[:, 6:24], rtol=1e-5)


def test_an_absent_stream_is_nan():
    averaged = parts({"head": np.ones((30, 6))}, 3)
    assert (averaged[:, :6] == 1).all()
    assert np.isnan(averaged[:, 6:]).all()


@pytest.mark.parametrize(
    ("moved", "message"),
    [
        pytest.param({"foot": np.ones((3, 6))}, "unknown motion foot", id="unknown stream"),
        pytest.param({"head": np.ones((3, 5))}, r"\(frames, 6\), but got \(3, 5\)", id="width"),
        pytest.param({"head": np.ones(6)}, r"\(frames, 6\), but got \(6,\)", id="one frame, flat"),
        pytest.param({"head": np.full((3, 6), np.inf)}, "infinite", id="infinite"),
    ],
)
def test_refuses(moved, message):
    with pytest.raises(FeatureError, match=message):
        parts(moved, 2)
