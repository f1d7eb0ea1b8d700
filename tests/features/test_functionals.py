"""Statistics of frames: their order, their values, and what is lost."""

import numpy as np
import pytest

from emotion_hpo.features import speech
from emotion_hpo.features.functionals import (
    QUANTILES,
    STATISTICS,
    describe_frames,
)


def test_statistics_stand_one_after_the_other_each_of_all_columns() -> None:
    frames = np.random.default_rng(0).normal(size=(40, 3)) + np.array([0, 10, 100])
    by_statistic = dict(zip(STATISTICS, describe_frames(frames).reshape(9, 3), strict=True))
    steps = frames[1:] - frames[:-1]
    expected = {
        "mean": frames.mean(0),
        "deviation": frames.std(0),
        **{f"quantile_{q}": np.quantile(frames, q / 100, axis=0) for q in QUANTILES},
        "delta_mean": steps.mean(0),
        "delta_deviation": steps.std(0),
    }
    assert list(by_statistic) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(by_statistic[name], values, atol=1e-12, err_msg=name)


def test_lost_values_are_left_out_of_their_own_column_alone() -> None:
    whole = np.random.default_rng(1).normal(size=(20, 2))
    frames = np.column_stack([whole, whole[:, 0]])
    frames[[0, 7], 1] = np.nan, np.inf
    described = describe_frames(frames).reshape(9, 3)
    np.testing.assert_allclose(
        described[:, [0, 2]], describe_frames(whole[:, [0, 0]]).reshape(9, 2)
    )
    valid = np.delete(whole[:, 1], [0, 7])
    assert described[0, 1] == pytest.approx(valid.mean())
    assert described[1, 1] == pytest.approx(valid.std())
    assert described[4, 1] == pytest.approx(np.median(valid))
    steps = np.delete(np.diff(whole[:, 1]), [0, 6, 7])  # those from or to a lost value
    assert described[7, 1] == pytest.approx(steps.mean())
    assert described[8, 1] == pytest.approx(steps.std())


def test_a_lone_frame_has_no_deltas_and_an_empty_column_has_nothing() -> None:
    described = describe_frames(np.array([[3.0, np.nan]])).reshape(9, 2)
    np.testing.assert_array_equal(described[:, 0], [3, 0, 3, 3, 3, 3, 3, 0, 0])
    assert np.isnan(described[:, 1]).all()


def test_every_column_of_the_functionals_has_a_name_of_its_own() -> None:
    names = speech.functional_names()
    assert len(set(names)) == len(names) == 9 * (34 + 64)
    assert names[9 * 34] == "band_1_mean"
