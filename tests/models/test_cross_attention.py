"""Cross-modal attention in whole networks: which steps count, and for whom."""

import pytest
import torch

from emotion_hpo.config import build
from emotion_hpo.config.model import CrossAttentionFusion, NetworkModel
from emotion_hpo.dataset.batch import Sequence
from emotion_hpo.errors import ConfigError
from emotion_hpo.models import build_network
from emotion_hpo.models.cross_attention import CrossAttentionHead
from emotion_hpo.models.steps import EncodedSteps

FUSION = {"name": "cross_attention", "units": 8, "depth": 2, "heads": 2, "feed_forward": 2}
WORDS = {"embedding": {"vectors": "random", "dimensions": 5, "trainable": True}}
RECURRENT = {"units": 4, "depth": 1, "bidirectional": True, "pooling": "attention"}
ENCODERS = {
    "lstm": RECURRENT | {"name": "lstm"},
    "gru": RECURRENT | {"name": "gru"},
    "transformer": {"name": "transformer", "units": 8, "depth": 1, "heads": 2}
    | {"feed_forward": 2, "pooling": "attention"},
    "conv1d": {"name": "conv1d", "units": 5, "depth": 2, "kernel": 3, "pooling": "max"},
    "conv1d, flattened": {"name": "conv1d", "units": 5, "depth": 1, "kernel": 3}
    | {"pooling": "flatten"},
    "mlp": {"name": "mlp", "units": 5, "depth": 1},
}


def network(speech="conv1d", **changes):
    encoders = {
        "text": ENCODERS["lstm"] | WORDS | {"output_units": 3},
        "speech": ENCODERS[speech] | {"output_units": 4},
        "mocap": {"name": "conv2d", "channels": [2, 3], "output_units": 2},
    }
    whole = {"name": "three", "encoders": encoders, "fusion": FUSION, "dropout": 0.2}
    return build(NetworkModel, whole | changes)


@pytest.fixture
def batch(shapes, draw):
    return {name: draw(shapes[name], [5, 3, 6, 1], holes=0.3) for name in shapes}


@pytest.mark.parametrize("speech", ENCODERS)
def test_padding_and_company_change_nothing(speech, shapes, batch):
    model = build_network(network(speech), shapes, 4, seed=0).eval()
    together = model(batch)
    for row in range(4):
        alone = {}
        for name, part in batch.items():
            steps = int(part.mask[row].nonzero().max()) + 1 if part.mask[row].any() else 1
            values, mask = part.values[[row], :steps], part.mask[[row], :steps]
            alone[name] = Sequence(values, mask, part.present[[row]])
        torch.testing.assert_close(model(alone)[0], together[row], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("speech", ENCODERS)
def test_every_weight_learns(speech, shapes, draw):
    model = build_network(network(speech, dropout=0.0), shapes, 4, seed=0)
    whole = {name: draw(shape, [shape.max_length] * 8) for name, shape in shapes.items()}
    (model(whole) ** 2).sum().backward()
    dead = [n for n, w in model.named_parameters() if w.requires_grad and not w.grad.any()]
    # Of one step, the weight is 1 whatever query and key are: that of a vector encoder
    single = tuple(
        f"head.attention.{pair}.blocks.{depth}.{layer}"
        for pair, (_, source) in enumerate(model.head.pairs)
        for depth in range(2)
        for layer in ("query", "key", "attention_norm")
        if source == 2 or (source == 1 and speech == "mlp")
    )
    assert not [name for name in dead if not name.startswith(single)]


def test_a_batch_that_lacks_a_modality_is_a_batch_of_the_others(shapes, batch):
    """As three utterances that lack it each in its own way."""
    model = build_network(network(), shapes, 4, seed=0).eval()
    speech = batch["speech"]
    absent = torch.zeros(4, dtype=torch.bool)
    empty = Sequence(speech.values[:, :0], speech.mask[:, :0], absent)
    without = model(batch | {"speech": empty})
    assert without.isfinite().all()
    hidden = model(batch | {"speech": Sequence(speech.values, speech.mask, absent)})
    torch.testing.assert_close(without, hidden)
    assert not torch.allclose(without, model(batch))


def test_steps_of_a_source_count_for_the_targets(shapes, batch):
    head = build_network(network(), shapes, 4, seed=0).eval().head
    text, speech, mocap = (
        EncodedSteps(torch.randn(1, width), torch.randn(1, 5, units), torch.ones(1, 5).bool())
        for width, units in [(3, 8), (4, 5), (2, 2)]
    )
    present = torch.ones(1, 3).bool()
    other = speech.steps.clone()
    other[:, 2] += 1
    both = [head([text, speech._replace(steps=s), mocap], present) for s in (speech.steps, other)]
    assert not torch.allclose(*both)
    mask = torch.tensor([[True, True, False, True, True]])
    both = [
        head([text, EncodedSteps(speech.vector, s, mask), mocap], present)
        for s in (speech.steps, other)
    ]
    torch.testing.assert_close(*both)


def test_a_modality_alone_is_its_vector():
    head = CrossAttentionHead(build(CrossAttentionFusion, FUSION), [3], [7], 4, dropout=0.0)
    vector = torch.randn(2, 3)
    encoded = EncodedSteps(vector, torch.randn(2, 5, 7), torch.ones(2, 5).bool())
    expected = head.classes(head.hidden(vector.relu()).relu())
    torch.testing.assert_close(head([encoded], torch.ones(2, 1).bool()), expected)


def test_heads_that_do_not_fit_are_one_clear_error():
    with pytest.raises(ConfigError, match=r"multiple of heads, but got units=8, heads=3"):
        build(CrossAttentionFusion, FUSION | {"heads": 3})


def test_encoders_of_another_head_can_be_taken(shapes, tmp_path):
    """What an encoder has does not hang on the head."""
    plain = build_network(network(fusion={"name": "linear"}), shapes, 4, seed=3)
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    encoders = network().encoders
    trained = encoders["text"].model_copy(update={"weights": tmp_path / "plain.pt"})
    model = build_network(
        network().model_copy(update={"encoders": encoders | {"text": trained}}), shapes, 4, seed=0
    )
    for name, weight in plain.encoders["text"].state_dict().items():
        assert torch.equal(weight, model.encoders["text"].state_dict()[name])
