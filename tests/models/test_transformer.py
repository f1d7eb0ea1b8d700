import pytest
import torch

from emotion_hpo.config import build
from emotion_hpo.config.model import TransformerEncoder
from emotion_hpo.errors import ConfigError
from emotion_hpo.models.transformer import TransformerNetwork

CONFIG = {
    "name": "transformer", "units": 8, "depth": 2, "heads": 2, "feed_forward": 2,
    "pooling": "mean", "output_units": 4,
}  # fmt: skip


def network() -> TransformerNetwork:
    return TransformerNetwork(build(TransformerEncoder, CONFIG), 5, dropout=0.0)


def test_the_order_of_steps_counts():
    encoder, values, mask = network(), torch.randn(2, 6, 5), torch.ones(2, 6).bool()
    encoded, turned = encoder(values, mask), encoder(values.flip(1), mask)
    assert not torch.allclose(encoded, turned, atol=1e-3)


def test_a_lost_step_keeps_its_place():
    """It cannot be seen, but those around it stay as far apart as they were."""
    encoder, values = network(), torch.randn(1, 6, 5)
    mask = torch.tensor([[True, True, False, False, True, True]])
    whole = torch.ones(1, 4).bool()
    other = values.clone()
    other[:, 2:4] = 7.0
    torch.testing.assert_close(encoder(values, mask), encoder(other, mask))
    assert not torch.allclose(encoder(values, mask), encoder(values[mask][None], whole), atol=1e-3)


@pytest.mark.parametrize(("units", "heads"), [(8, 3), (6, 2), (4, 4)])
def test_heads_that_do_not_fit_are_one_clear_error(units, heads):
    with pytest.raises(ConfigError, match=rf"multiple of 2 \* heads .*={units}, heads={heads}"):
        build(TransformerEncoder, CONFIG | {"units": units, "heads": heads})
