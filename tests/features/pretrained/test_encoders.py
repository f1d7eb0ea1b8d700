"""What a modality's features hold of a pretrained model's states, and for how long."""

import weakref

import numpy as np
import pytest

from emotion_hpo.config import FeaturesConfig, build, dump
from emotion_hpo.corpus.schema import Recording
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.pretrained.sentences import TokenStates


class Model:
    """Yields states of its own, and counts how many of those before are still held."""

    def __init__(self):
        self.n_held = 0

    def iterate(self, texts):
        former = []
        for place, text in reversed([*enumerate(texts)]):
            states = np.full((50, 2, 3), len(text), np.float32)
            former.append(weakref.ref(states))
            yield place, TokenStates(states, np.zeros(50, bool))
            del states
            self.n_held = max(self.n_held, sum(state() is not None for state in former))


@pytest.mark.parametrize(
    ("layers", "pooling"), [("all", "mean"), ("last", "mean"), ("last", "cls")]
)
def test_states_are_let_go_as_soon_as_they_are_pooled(paper, layers, pooling):
    text = {"name": "pretrained", "normalise": "corpus", "layers": layers, "pooling": pooling}
    encoders = Encoders(build(FeaturesConfig, dump(paper) | {"text": text}))
    model = encoders._text["text"] = Model()
    texts = ["yes", None, "so good", "no", "never"]
    encoded = encoders.encode([Recording(str(i)) for i in range(5)], texts, ("text",))
    assert [features.get("text", np.zeros(1)).max() for features in encoded] == [3, 0, 7, 2, 5]
    assert model.n_held <= 1
