"""One contract for every encoder: what an utterance becomes depends on its valid steps alone."""

from itertools import product
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from emotion_hpo.config.model import EncoderConfig
from emotion_hpo.dataset.batch import Sequence
from emotion_hpo.models.network import ModalityEncoder

UNITS = {"units": 6, "output_units": 4}
POOLINGS = ["last", "first", "mean", "max", "attention"]
CONFIGS = {
    "mlp": UNITS | {"name": "mlp", "depth": 2, "taper": 0.5},
    "mean": {"name": "mean", "output_units": 4},
    "mlp, linear": UNITS | {"name": "mlp", "depth": 0},
    "conv1d, flattened": UNITS | {"name": "conv1d", "depth": 2, "kernel": 3, "pooling": "flatten"},
    "conv1d, pooled": UNITS | {"name": "conv1d", "depth": 2, "kernel": 4, "pooling": "max"},
    "conv2d": {"name": "conv2d", "channels": [2, 3, 4], "output_units": 4},
    "conv2d, maximum": {"name": "conv2d", "channels": [2, 3], "halving": "max", "output_units": 4},
    "attention decoder": UNITS | {"name": "attention_decoder", "bidirectional": False},
    "attention decoder, both ways": UNITS | {"name": "attention_decoder", "bidirectional": True},
    "residual mlp": UNITS | {"name": "residual_mlp", "depth": 2, "expansion": 1.5},
    "residual mlp, normed": UNITS
    | {"name": "residual_mlp", "depth": 1, "expansion": 2, "input_norm": True},
}
CONFIGS |= {
    f"{name}, {pooling}{', both ways' if both else ''}": UNITS
    | {"name": name, "depth": 2, "taper": 0.5, "pooling": pooling, "bidirectional": both}
    for name, pooling, both in product(["lstm", "gru"], POOLINGS, [False, True])
}
CONFIGS |= {
    f"transformer, {pooling}": {"name": "transformer", "units": 8, "depth": 2, "heads": 2}
    | {"feed_forward": 1.5, "pooling": pooling, "output_units": 4}
    for pooling in POOLINGS
}
WORDS = {"embedding": {"vectors": "random", "dimensions": 5, "trainable": True}}


def build(config, shape, dropout=0.0) -> ModalityEncoder:
    if shape.n_tokens is not None:
        config = config | WORDS
    encoder = ModalityEncoder(
        TypeAdapter(EncoderConfig).validate_python(config), shape, dropout, blank=False
    )
    with torch.no_grad():
        for name, weight in encoder.named_parameters():
            if "bias" in name and weight.requires_grad:
                weight.uniform_(0, 0.5)  # zero at the start, which would hide an error
    return encoder


def utterance(batch: Sequence, row: int) -> Sequence:
    """One row without its padding."""
    steps = max(1, int(batch.mask[row].nonzero().max()) + 1 if batch.mask[row].any() else 1)
    return Sequence(
        batch.values[row : row + 1, :steps], batch.mask[row : row + 1, :steps], batch.present[:1]
    )


@pytest.mark.parametrize("modality", ["speech", "text"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
class TestEncoder:
    @settings(max_examples=6, deadline=None, derandomize=True)
    @given(data=st.data())
    def test_padding_and_company_change_nothing(self, config, modality, shapes, draw, data):
        shape = shapes[modality]
        lengths = data.draw(st.lists(st.integers(0, shape.max_length), min_size=1, max_size=4))
        steps = data.draw(st.integers(max(1, *lengths, 1), shape.max_length))
        holes = data.draw(st.sampled_from([0.0, 0.4]))
        batch = draw(shape, lengths, holes=holes, seed=data.draw(st.integers(0, 99)), steps=steps)
        encoder = build(config, shape).eval()
        together = encoder(batch)
        for row in range(len(lengths)):
            for learns in (True, False):  # else recurrences are compiled loops
                with torch.set_grad_enabled(learns):
                    alone = encoder(utterance(batch, row))[0]
                torch.testing.assert_close(alone, together[row], atol=1e-5, rtol=1e-5)

    def test_an_utterance_without_a_step_is_finite(self, config, modality, shapes, draw):
        shape = shapes[modality]
        encoder = build(config, shape)
        encoded = encoder(draw(shape, [0, 3, 0]))
        assert encoded.isfinite().all()
        torch.testing.assert_close(encoded[0], encoded[2])
        encoded.sum().backward()
        assert all(w.grad.isfinite().all() for w in encoder.parameters() if w.grad is not None)

    def test_a_missing_modality_is_zero_whatever_its_bytes(self, config, modality, shapes, draw):
        shape = shapes[modality]
        encoder = build(config, shape).eval()
        batch = draw(shape, [4, shape.max_length])
        absent = Sequence(batch.values, batch.mask, torch.tensor([True, False]))
        rubbish = batch.values.clone()
        rubbish[1] = -5 if shape.n_tokens else torch.inf
        other = Sequence(rubbish, batch.mask, absent.present)
        assert not encoder(absent)[1].any()
        torch.testing.assert_close(encoder(other), encoder(absent))
        torch.testing.assert_close(encoder(absent)[0], encoder(batch)[0])
        encoder(other).sum().backward()
        assert all(w.grad.isfinite().all() for w in encoder.parameters() if w.grad is not None)

    def test_a_batch_that_nobody_is_in(self, config, modality, shapes, draw):
        shape = shapes[modality]
        batch = draw(shape, [2, 3])
        nobody = Sequence(batch.values[:, :0], batch.mask[:, :0], torch.zeros(2, dtype=torch.bool))
        assert torch.equal(build(config, shape)(nobody), torch.zeros(2, 4))

    def test_every_weight_learns(self, config, modality, shapes, draw):
        shape = shapes[modality]
        encoder = build(config, shape)
        (encoder(draw(shape, [shape.max_length] * 8)) ** 2).sum().backward()
        dead = [n for n, w in encoder.named_parameters() if w.requires_grad and not w.grad.any()]
        if config.get("pooling") == "first":  # the first state has no predecessor
            dead = [name for name in dead if "ahead.weight_hh" not in name]
        assert not dead

    def test_dropout_acts_in_training_alone(self, config, modality, shapes, draw):
        shape = shapes[modality]
        batch = draw(shape, [shape.max_length] * 3)
        encoder = build(config, shape, dropout=0.5)
        if config["name"] != "mlp" or config["depth"]:
            assert not torch.equal(encoder(batch), encoder(batch))
        encoder.eval()
        assert torch.equal(encoder(batch), encoder(batch))

    def test_bfloat16_is_near_float32(self, config, modality, shapes, draw):
        shape = shapes[modality]
        encoder = build(config, shape)
        batch = draw(shape, [shape.max_length, 2])
        with torch.autocast("cpu", torch.bfloat16):
            near = encoder(batch)
        torch.testing.assert_close(near.float(), encoder(batch), atol=0.05, rtol=0.1)
        near.float().sum().backward()


def test_every_encoder_is_held_to_it():
    kinds = get_args(get_args(EncoderConfig)[0])
    names = {get_args(kind.model_fields["name"].annotation)[0] for kind in kinds}
    assert {config["name"] for config in CONFIGS.values()} == names


@pytest.mark.parametrize(
    "name", [name for name in CONFIGS if name.startswith(("lstm", "gru", "attention decoder"))]
)
def test_recurrent_encoders_step_over_lost_frames(name, shapes, draw):
    """As if they had never been."""
    encoder = build(CONFIGS[name], shapes["speech"]).eval()
    batch = draw(shapes["speech"], [9, 7, 8], holes=0.4)
    assert (batch.mask[:, 1:] & ~batch.mask[:, :-1]).any(), "or the test shows nothing"
    for row, encoded in enumerate(encoder(batch)):
        kept = batch.values[row, batch.mask[row]][None]
        whole = Sequence(kept, torch.ones(kept.shape[:2], dtype=torch.bool), batch.present[:1])
        torch.testing.assert_close(encoder(whole)[0], encoded, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "conv1d, flattened", "conv2d", "attention decoder"])
def test_flattening_refuses_what_is_too_long(name, shapes, draw):
    encoder = build(CONFIGS[name], shapes["speech"])
    with pytest.raises(ValueError, match="at most 9 steps fit, but got 10"):
        encoder(draw(shapes["speech"], [10]))
