"""What a recording becomes, and what counts as absent."""

import numpy as np
import pytest

from emotion_hpo.corpus.schema import MOTION_PARTS, Recording
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extraction import extract

MODALITIES = ("speech", "mocap", "video")
SAMPLES = np.random.default_rng(0).standard_normal(8000).astype(np.float32)


def motion(value: float, n_frames: int = 300) -> dict[str, np.ndarray]:
    return {name: np.full((n_frames, w), value, np.float32) for name, w in MOTION_PARTS.items()}


@pytest.mark.parametrize(
    ("recording", "shapes"),
    [
        pytest.param(Recording("a"), {}, id="nothing"),
        pytest.param(Recording("a", SAMPLES), {"speech": (4, 34)}, id="a waveform"),
        pytest.param(Recording("a", SAMPLES[:0]), {}, id="a waveform of no sample"),
        pytest.param(Recording("a", motion=motion(1)), {"mocap": (200, 189)}, id="motion"),
        pytest.param(Recording("a", motion=motion(np.nan)), {}, id="every marker lost"),
        pytest.param(Recording("a", motion=motion(1, 0)), {}, id="motion of no frame"),
        pytest.param(Recording("a", motion={}), {}, id="motion of no stream"),
        pytest.param(
            Recording("a", features={"video": np.ones(5)}), {"video": (1, 5)}, id="a vector"
        ),
        pytest.param(
            Recording("a", SAMPLES, features={"speech": np.ones((7, 3))}),
            {"speech": (7, 3)},
            id="ready-made speech goes first",
        ),
    ],
)
def test_arrays(paper, recording, shapes):
    arrays = extract(recording, MODALITIES, paper)
    assert {name: array.shape for name, array in arrays.items()} == shapes
    assert all(array.dtype == np.float32 for array in arrays.values())


def test_modalities_that_the_corpus_does_not_name_are_not_extracted(paper):
    assert extract(Recording("a", SAMPLES, motion=motion(1)), ("text",), paper) == {}


@pytest.mark.parametrize(
    ("features", "message"),
    [
        pytest.param({"smell": np.ones(3)}, "smell are not among", id="unknown modality"),
        pytest.param({"text": np.ones(3)}, "`text` is for transcripts", id="text"),
        pytest.param({"video": np.ones((2, 2, 2))}, r"\(2, 2, 2\)", id="too many dimensions"),
        pytest.param({"video": np.float32(1)}, r"got \(\)", id="a number"),
    ],
)
def test_refuses(paper, features, message):
    with pytest.raises(FeatureError, match=message):
        extract(Recording("a", features=features), MODALITIES, paper)
