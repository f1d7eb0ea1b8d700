import pytest
import torch

from emotion_hpo.config.model import NetworkModel
from emotion_hpo.dataset.batch import Sequence
from emotion_hpo.errors import ConfigError
from emotion_hpo.models import build_network
from emotion_hpo.models.network import hide_modalities

TEXT = {
    "name": "lstm",
    "embedding": {"vectors": "random", "dimensions": 5, "trainable": True},
    "units": 4,
    "depth": 1,
    "bidirectional": False,
    "pooling": "last",
    "output_units": 3,
}
SPEECH = {"name": "mlp", "units": 4, "depth": 1, "output_units": 3}
HEADS = {
    "linear": {},
    "concat": {"units": 5},
    "attention": {"units": 5, "heads": 2},
    "gated": {"units": 5},
    "low_rank": {"units": 5, "rank": 2},
    "cross_attention": {"units": 4, "depth": 1, "heads": 2, "feed_forward": 2},
}


def config(head="concat", **changes) -> NetworkModel:
    whole = {
        "name": "two",
        "encoders": {"text": TEXT, "speech": SPEECH},
        "fusion": {"name": head} | HEADS[head],
        "dropout": 0.2,
    }
    return NetworkModel.model_validate(whole | changes)


@pytest.fixture
def batch(shapes, draw):
    return {name: draw(shapes[name], [5, 3, 6, 1]) for name in shapes}


def test_the_seed_decides_every_weight(shapes):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = build_network(config(), shapes, 4, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    same, other = (build_network(config(), shapes, 4, seed=seed) for seed in (0, 1))
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, same.state_dict()[name])
    assert not torch.equal(first.head.hidden.weight, other.head.hidden.weight)


@pytest.mark.parametrize("head", HEADS)
def test_a_missing_modality_gives_the_same_whatever_its_bytes(head, shapes, batch):
    network = build_network(config(head), shapes, 4, seed=0).eval()
    speech = batch["speech"]
    absent = torch.tensor([True, False, True, False])
    rubbish = speech.values.clone()
    rubbish[1], rubbish[3] = torch.nan, 1e30
    present = network(batch)
    first = network(batch | {"speech": Sequence(speech.values, speech.mask, absent)})
    second = network(batch | {"speech": Sequence(rubbish, speech.mask, absent)})
    assert torch.equal(first, second)
    torch.testing.assert_close(first[absent], present[absent])
    assert not torch.allclose(first[~absent], present[~absent])


@pytest.mark.parametrize("head", HEADS)
def test_an_utterance_with_nothing_is_finite(head, shapes, batch):
    nothing = {
        name: Sequence(part.values, part.mask, torch.zeros(4).bool())
        for name, part in batch.items()
    }
    network = build_network(config(head), shapes, 4, seed=0)
    logits = network(nothing)
    assert logits.isfinite().all()
    logits.sum().backward()
    assert all(w.grad.isfinite().all() for w in network.parameters() if w.grad is not None)


def test_logits_are_float32_under_autocast(shapes, batch):
    with torch.autocast("cpu", torch.bfloat16):
        assert build_network(config(), shapes, 4, seed=0)(batch).dtype == torch.float32


def test_modality_dropout_hides_but_never_all():
    present = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
    draws = torch.stack([hide_modalities(present, 0.5) for _ in range(400)])
    assert not (draws & ~present).any()
    assert draws[:, :2].any(2).all()
    # (1/2 + 1/8) of the draws: kept, or all were hidden and came back
    assert 0.5 < float(draws[:, 0].float().mean()) < 0.7
    assert draws[:, 1, 0].all()


def test_modality_dropout_acts_in_training_alone(shapes, batch):
    network = build_network(config(modality_dropout=0.5, dropout=0.0), shapes, 4, seed=0)
    assert any(not torch.equal(network(batch), network(batch)) for _ in range(9))
    network.eval()
    assert torch.equal(network(batch), network(batch))


@pytest.mark.parametrize("kind", ["plain", "final"])
def test_trained_encoders_are_loaded_and_frozen(kind, tmp_path, shapes, batch):
    trained = build_network(config(), shapes, 4, seed=7)
    stored = {"plain": trained.state_dict(), "final": {"networks": [trained.state_dict()]}}
    torch.save(stored[kind], tmp_path / "trained.pt")
    frozen = TEXT | {"weights": str(tmp_path / "trained.pt"), "frozen": True}
    network = build_network(config(encoders={"text": frozen, "speech": SPEECH}), shapes, 4, seed=0)
    text = network.encoders["text"].train()
    torch.testing.assert_close(text(batch["text"]), trained.eval().encoders["text"](batch["text"]))
    assert torch.equal(text(batch["text"]), text(batch["text"]))  # no dropout
    network(batch).sum().backward()
    assert all(weight.grad is None for weight in text.parameters())
    assert network.encoders["speech"].output_units == 3
    assert network.encoders["speech"].encoder.output.weight.grad.any()
    blank = build_network(
        config(encoders={"text": TEXT | {"weights": "nowhere.pt"}}), shapes, 4, seed=0, blank=True
    )
    assert not torch.equal(blank.encoders["text"].embedding.rows, text.embedding.rows)


@pytest.mark.parametrize(
    ("encoders", "match"),
    [
        ({"spech": SPEECH}, "unknown modality 'spech', did you mean 'speech'"),
        ({"text": SPEECH}, r"tokens, so model\.encoders\.text\.embedding must be set"),
        ({"speech": TEXT}, r"not tokens, so model\.encoders\.speech\.embedding must be null"),
        ({"speech": SPEECH | {"columns": [2, 6]}}, r"start < stop <= 5 .* got \[2, 6\]"),
        ({"speech": SPEECH | {"columns": [3, 3]}}, r"start < stop <= 5 .* got \[3, 3\]"),
        ({"speech": SPEECH | {"weights": "nowhere.pt"}}, r"weights: cannot read nowhere\.pt"),
    ],
    ids=["misspelt", "no embedding", "needless embedding", "too wide", "empty", "no file"],
)
def test_encoders_that_do_not_fit_are_refused(encoders, match, shapes):
    with pytest.raises(ConfigError, match=match):
        build_network(config(encoders=encoders), shapes, 4, seed=0)


def test_weights_of_another_encoder_are_refused(tmp_path, shapes):
    torch.save({"encoders.speech.encoder.output.bias": torch.ones(3)}, tmp_path / "other.pt")
    other = SPEECH | {"weights": str(tmp_path / "other.pt")}
    with pytest.raises(ConfigError, match=r"speech\.weights: .* differs: .*\n.*Missing key"):
        build_network(config(encoders={"speech": other}), shapes, 4, seed=0)


def test_columns_are_all_that_is_read(shapes, draw):
    encoders = {"speech": SPEECH | {"columns": [1, 3]}}
    network = build_network(config(encoders=encoders), shapes, 4, seed=0).eval()
    speech = draw(shapes["speech"], [4, 2])
    other = speech.values.clone()
    other[:, :, [0, 3, 4]] = torch.nan
    torch.testing.assert_close(
        network({"speech": speech}),
        network({"speech": Sequence(other, speech.mask, speech.present)}),
    )
