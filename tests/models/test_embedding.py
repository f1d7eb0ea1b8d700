import pytest
import torch

from emotion_hpo.config.model import EmbeddingConfig
from emotion_hpo.dataset.batch import InputShape
from emotion_hpo.errors import ConfigError
from emotion_hpo.models.embedding import Embedding

VECTORS = torch.tensor([[9.0, 9], [torch.nan, torch.nan], [1, 2], [3, 4]])


def build(vectors="pretrained", trainable=True, blank=False, shape=None):
    config = EmbeddingConfig(vectors=vectors, dimensions=2, trainable=trainable)
    return Embedding(config, shape or InputShape(0, 5, 4, VECTORS), blank=blank)


def test_pretrained_rows_where_there_are_any():
    embedding = build()
    embedded = embedding(torch.tensor([[2, 1, 3, 0]]), torch.tensor([[True, True, True, False]]))
    assert embedded[0, [0, 2, 3]].tolist() == [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]
    assert 0 < embedded[0, 1].abs().max().item() <= 0.05


def test_masked_tokens_take_part_in_nothing():
    embedding = build("random")
    tokens = torch.tensor([[1, -(10**12), 10**12]])
    embedding(tokens, torch.tensor([[True, False, False]])).sum().backward()
    assert embedding.rows.grad.tolist() == [[1, 1], [0, 0], [0, 0]]


def test_frozen_rows_do_not_learn():
    assert not build(trainable=False).rows.requires_grad


@pytest.mark.parametrize(
    ("vectors", "match"),
    [
        (None, "the data set has no word vectors"),
        (torch.ones(4, 3), r"must have the shape .* = \(4, 2\), but have \(4, 3\)"),
        (torch.ones(3, 2), r"must have the shape .* = \(4, 2\), but have \(3, 2\)"),
    ],
    ids=["none", "another width", "another vocabulary"],
)
def test_unfit_vectors_are_refused(vectors, match):
    shape = InputShape(0, 5, 4, vectors)
    with pytest.raises(ConfigError, match=match):
        build(shape=shape)
    assert build(shape=shape, blank=True).rows.shape == (3, 2)
