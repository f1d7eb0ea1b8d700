"""Tokens → vectors.

Padding is token 0 and has no row: the mask stands for it. So 2,736 words and the unknown one make
2,737 rows, as in the reference.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emotion_hpo.config.model import EmbeddingConfig
from emotion_hpo.dataset.batch import InputShape
from emotion_hpo.errors import ConfigError

RANDOM_RANGE = 0.05  # Keras's uniform initialisation


class Embedding(nn.Module):
    """A table of vectors, random or pretrained, trainable or frozen.

    Args:
        config: Which.
        shape: The vocabulary's size, and its pretrained vectors where they are used.
        blank: Do without pretrained vectors, since the state that follows has them.

    Raises:
        ConfigError: Pretrained vectors are configured, but there are none, or of another width.
    """

    def __init__(self, config: EmbeddingConfig, shape: InputShape, *, blank: bool) -> None:
        super().__init__()
        assert shape.n_tokens is not None
        rows_VD = torch.empty(shape.n_tokens - 1, config.dimensions)
        nn.init.uniform_(rows_VD, -RANDOM_RANGE, RANDOM_RANGE)
        if config.vectors == "pretrained" and not blank:
            known_VD = _read_vectors(config, shape)[1:]
            rows_VD = torch.where(known_VD.isnan(), rows_VD, known_VD)
        self.rows = nn.Parameter(rows_VD, requires_grad=config.trainable)

    def forward(self, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return the `(B, T, D)` vectors; zero where masked."""
        index_BT = torch.where(mask_BT, tokens_BT - 1, 0).clamp(min=0)
        return torch.where(mask_BT[:, :, None], F.embedding(index_BT, self.rows), 0.0)


def _read_vectors(config: EmbeddingConfig, shape: InputShape) -> Tensor:
    if shape.vectors is None:
        raise ConfigError(
            "embedding.vectors is 'pretrained', but the data set has no word vectors; "
            "give it some or set embedding.vectors=random"
        )
    if tuple(shape.vectors.shape) != (shape.n_tokens, config.dimensions):
        raise ConfigError(
            f"the word vectors must have the shape (n_tokens, embedding.dimensions) = "
            f"({shape.n_tokens}, {config.dimensions}), but have {tuple(shape.vectors.shape)}"
        )
    return shape.vectors.to(torch.float32)
