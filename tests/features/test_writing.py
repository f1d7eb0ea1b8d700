"""What a shard's writer refuses."""

import numpy as np
import pytest

from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extracted import Extracted
from emotion_hpo.features.writing import ShardWriter

ONE = Extracted("S1_000", {"video": np.ones((2, 3), np.float32)}, {})


@pytest.mark.parametrize(
    ("utterance", "message"),
    [
        pytest.param(ONE, "S1_000: the recording comes twice", id="twice"),
        pytest.param(ONE._replace(utterance_id="X"), "X: .* not in the utterance", id="unknown"),
        pytest.param(
            Extracted("S1_001", {"video": np.ones((2, 4), np.float32)}, {}),
            "S1_001: video has 4 dimensions, where utterances before have 3",
            id="another width",
        ),
    ],
)
def test_refuses(fake_corpus, tmp_path, utterance, message):
    table = fake_corpus().table("1")
    with ShardWriter(tmp_path / "shard", table, ("video",)) as writer:
        writer.add(ONE)
        with pytest.raises(FeatureError, match=message):
            writer.add(utterance)
    assert list(tmp_path.iterdir()) == []
