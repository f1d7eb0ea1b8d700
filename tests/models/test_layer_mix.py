"""Layers that follow each other become one weighted sum."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from emotion_hpo.config.model import EncoderConfig
from emotion_hpo.dataset.batch import InputShape, Sequence
from emotion_hpo.models.layer_mix import LayerMix
from emotion_hpo.models.network import ModalityEncoder

VALUES_BTLD = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))


def test_at_first_every_layer_weighs_the_same():
    mixed = LayerMix(3)(VALUES_BTLD.flatten(2))
    torch.testing.assert_close(mixed, VALUES_BTLD.mean(2))


def test_weights_are_a_softmax():
    mix = LayerMix(3)
    with torch.no_grad():
        mix.logits.copy_(torch.tensor([0.0, 1.0, -2.0]))
    weights = np.exp([0.0, 1.0, -2.0]) / np.exp([0.0, 1.0, -2.0]).sum()
    expected = sum(w * VALUES_BTLD[:, :, layer] for layer, w in enumerate(weights.tolist()))
    torch.testing.assert_close(mix(VALUES_BTLD.flatten(2)), expected)


def encoder(n_layers, **settings):
    config = {"name": "mean", "output_units": 4, **settings}
    shape = InputShape(12, 5, n_layers=n_layers)
    return ModalityEncoder(
        TypeAdapter(EncoderConfig).validate_python(config), shape, 0.0, blank=False
    )


@pytest.mark.parametrize(
    ("n_layers", "mix", "width"), [(3, "learned", 4), (3, "none", 12), (1, "learned", 12)]
)
def test_an_encoder_reads_the_sum_or_all_columns(n_layers, mix, width):
    built = encoder(n_layers, layer_mix=mix)
    assert built.encoder.output.in_features == width
    assert (built.layer_mix is not None) == (n_layers > 1 and mix == "learned")


def test_the_weights_learn():
    built = encoder(3, layer_mix="learned")
    everywhere = torch.ones(2, 5, dtype=torch.bool)
    sequence = Sequence(VALUES_BTLD.flatten(2), everywhere, everywhere.any(1))
    built(sequence).square().sum().backward()
    assert built.layer_mix.logits.grad.abs().max() > 0
