"""Hidden states become an utterance's features, layer by layer."""

import numpy as np
import pytest

from emotion_hpo.features.pretrained.pooling import pool

STATES = np.random.default_rng(0).standard_normal((23, 3, 4)).astype(np.float32)


def test_a_mean_of_each_layer():
    np.testing.assert_allclose(pool(STATES, "mean"), STATES.mean(0)[None], atol=1e-6)


def test_mean_and_deviation_of_a_layer_stand_beside_each_other():
    pooled = pool(STATES, "mean_std")[0].reshape(3, 2, 4)
    np.testing.assert_allclose(pooled[:, 0], STATES.mean(0), atol=1e-6)
    np.testing.assert_allclose(pooled[:, 1], STATES.std(0), atol=1e-6)


@pytest.mark.parametrize(
    ("rate_hz", "n_frames"),
    [
        pytest.param(5.0, 3, id="ten states a frame, three in the last"),
        pytest.param(50.0, 23, id="as they come"),
        pytest.param(0.1, 1, id="longer than the utterance"),
    ],
)
def test_frames_are_averages_of_equal_stretches(rate_hz, n_frames):
    frames = pool(STATES, "frames", 50.0, rate_hz)
    assert frames.shape == (n_frames, 3, 4)
    stride = round(50.0 / rate_hz)
    for index, frame in enumerate(frames):
        stretch = STATES[index * stride : (index + 1) * stride]
        np.testing.assert_allclose(frame, stretch.mean(0), atol=1e-6)
