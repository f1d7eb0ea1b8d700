"""The loop: learns, continues bit for bit, and says when it diverges."""

from typing import get_args

import numpy as np
import pytest
import torch

from emotion_hpo.config import SearchConfig, TrainingConfig, build, dump
from emotion_hpo.config.building import with_value
from emotion_hpo.config.model import EncoderConfig
from emotion_hpo.dataset import ResidentDataset
from emotion_hpo.errors import ConfigError, TrialFailed
from emotion_hpo.models import build_network
from emotion_hpo.training import loop
from emotion_hpo.training.loop import evaluate, fit, n_plateaus
from tests.pipeline import SMALL, compose_config

OPTIMIZERS = {
    "adam": {"name": "adam"},
    "adamw": {"name": "adamw", "weight_decay": 0.01},
    "adadelta": {"name": "adadelta"},
    "sgd": {"name": "sgd", "momentum": 0.9, "weight_decay": 1e-4},
}


@pytest.fixture(scope="module")
def config():
    return compose_config(*SMALL, "training.precision=float32", "training.epochs=3")


@pytest.fixture(scope="module")
def fold_data(data_module, config):
    return data_module.fold(config.experiment())


def network_of(fold_data, config, seed=0):
    return build_network(config.model, fold_data.preprocessor.shapes(), 4, seed=seed)


def train(fold_data, config, training=None, start=None, stop_after=None, lr_halvings=None):
    """Curve, checkpoints by epoch, and the network at the end."""
    network = network_of(fold_data, config)
    curve, checkpoints = [], {}

    def on_epoch(epoch, _evaluation, checkpoint):
        curve.append(dict(epoch.metrics))
        saved = checkpoint()
        checkpoints[epoch.epoch] = type(saved)(*map(clone, vars(saved).values()))
        return epoch.epoch == stop_after

    training = training or config.training
    fit(network, fold_data.train, fold_data.validation, training, 7, on_epoch, start, lr_halvings)
    return curve, checkpoints, network


def test_an_epoch_records_what_it_took(fold_data, config):
    network, usages = network_of(fold_data, config), []

    def on_epoch(epoch, _evaluation, _checkpoint):
        usages.append(epoch.usage)
        return True

    fit(network, fold_data.train, fold_data.validation, config.training, 7, on_epoch)
    (usage,) = usages
    assert set(usage) == {"cpu_cores", "cpu_seconds", "memory_peak_mb"}
    assert usage["cpu_cores"] > 0
    assert usage["memory_peak_mb"] > 100


def clone(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: clone(part) for key, part in value.items()}
    return [clone(part) for part in value] if isinstance(value, list) else value


def changed(config, path, value) -> TrainingConfig:
    return build(TrainingConfig, with_value(dump(config.training), path, value))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau"])
def test_a_checkpoint_continues_to_the_same_end(fold_data, config, optimizer, schedule):
    training = build(
        TrainingConfig,
        {**dump(config.training), "optimizer": optimizer, "schedule": schedule},
    )
    whole, checkpoints, network = train(fold_data, config, training)
    rest, _, continued = train(fold_data, config, training, start=checkpoints[1])
    assert rest == whole[1:]
    for name, value in network.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name]), name


UNITS = {"units": 4, "output_units": 4}
ENCODERS = {
    "mlp": UNITS | {"name": "mlp", "depth": 1},
    "mean": {"name": "mean", "output_units": 4},
    "lstm": UNITS
    | {"name": "lstm", "depth": 2, "bidirectional": True, "pooling": "max"}
    | {"recurrent_dropout": 0.2},
    "gru": UNITS
    | {"name": "gru", "depth": 2, "bidirectional": True, "pooling": "max"}
    | {"recurrent_dropout": 0.2},
    "conv1d": UNITS | {"name": "conv1d", "depth": 2, "kernel": 3, "pooling": "flatten"},
    "conv2d": {"name": "conv2d", "channels": [2, 3], "output_units": 4},
    "attention_decoder": UNITS | {"name": "attention_decoder", "bidirectional": True},
    "residual_mlp": UNITS
    | {"name": "residual_mlp", "depth": 1, "expansion": 2, "input_dropout": 0.2},
    "transformer": UNITS
    | {"name": "transformer", "depth": 1, "heads": 2, "feed_forward": 2, "pooling": "attention"},
}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_encoder_continues_to_the_same_end(data_module, config, encoder, precision):
    plain = with_value(dump(config), "model.encoders", {"speech": encoder})
    plain = with_value(with_value(plain, "model.dropout", 0.3), "training.precision", precision)
    tiny = build(SearchConfig, with_value(plain, "training.epochs", 2))
    fold_data = data_module.fold(tiny.experiment())
    whole, checkpoints, network = train(fold_data, tiny)
    rest, _, continued = train(fold_data, tiny, start=checkpoints[1])
    assert rest == whole[1:]
    for name, value in network.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name]), name


def test_every_encoder_is_tried():
    kinds = get_args(get_args(EncoderConfig)[0])
    assert set(ENCODERS) == {get_args(kind.model_fields["name"].annotation)[0] for kind in kinds}


def test_a_plateau_halves_the_rate_of_what_follows(fold_data, config):
    """Labels that mean nothing: the validation loss soon rises."""
    training = build(
        TrainingConfig,
        {**dump(config.training), "schedule": "plateau", "epochs": 12, "learning_rate": 0.05},
    )
    curve, checkpoints, _ = train(fold_data, config, training)
    losses = [epoch["val/loss"] for epoch in curve]
    assert checkpoints[12].losses == losses
    assert n_plateaus(losses[:-1]) > 0, "or the test shows nothing"
    rates = [state.optimizer["param_groups"][0]["lr"] for state in checkpoints.values()]
    assert rates == [0.05 * 0.5 ** n_plateaus(losses[:n]) for n in range(12)]


def test_votes_need_a_corpus_that_has_them(fold_data, config, monkeypatch):
    bare = fold_data.train.utterances.table.drop(columns="votes")
    monkeypatch.setattr(fold_data.train.utterances, "table", bare)
    with pytest.raises(ConfigError, match=r"training\.labels: the corpus has no annotators' votes"):
        train(fold_data, config, changed(config, "labels", "votes"))


def test_a_device_trains_as_the_memory_map_does(fold_data, config, monkeypatch):
    """The path of a GPU, on the CPU: the data set lies encoded on the device."""
    usual, _, _ = train(fold_data, config)
    monkeypatch.setattr(loop, "on_device", ResidentDataset)
    assert train(fold_data, config)[0] == usual


def test_frozen_encoders_keep_their_weights(fold_data, config, tmp_path):
    _, _, trained = train(fold_data, config)
    torch.save(trained.state_dict(), tmp_path / "trained.pt")
    plain = dump(config)
    for name in ("text", "speech", "mocap"):
        overrides = {"weights": str(tmp_path / "trained.pt"), "frozen": True}
        plain["model"]["encoders"][name] |= overrides
    curve, _, network = train(fold_data, build(SearchConfig, plain))
    before, after = trained.state_dict(), network.state_dict()
    same = {name for name, value in after.items() if torch.equal(value, before[name])}
    assert same == {name for name in after if name.startswith("encoders.")}
    assert curve[-1]["train/loss"] < curve[0]["train/loss"]


def test_the_same_seed_gives_the_same_curve(fold_data, config):
    assert train(fold_data, config)[0] == train(fold_data, config)[0]


def test_the_loss_falls(fold_data, config):
    curve, _, _ = train(fold_data, config, changed(config, "epochs", 6))
    assert curve[-1]["train/loss"] < curve[0]["train/loss"]


def test_the_caller_ends_the_training(fold_data, config):
    assert len(train(fold_data, config, stop_after=2)[0]) == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("clip_norm", 0.1),
        ("label_smoothing", 0.2),
        ("class_weights", "balanced"),
        ("labels", "votes"),
        ("bucket_batches", 1),
    ],
)
def test_each_knob_turns_something(fold_data, config, path, value):
    assert train(fold_data, config, changed(config, path, value))[0] != train(fold_data, config)[0]


def test_bfloat16_trains(fold_data, config):
    curve, _, _ = train(fold_data, config, changed(config, "precision", "bfloat16"))
    assert curve[-1]["train/loss"] < curve[0]["train/loss"]


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_diverging_loss_fails_the_trial(fold_data, config, broken):
    network = network_of(fold_data, config)
    with torch.no_grad():
        next(network.head.parameters()).fill_(broken)
    with pytest.raises(TrialFailed, match=r"train/loss is (nan|inf) after epoch 1"):
        fit(network, fold_data.train, None, config.training, 0, lambda *_: False)


def test_weights_that_the_loss_does_not_see_fail_the_trial(fold_data, config):
    network = network_of(fold_data, config)
    network.unseen = torch.nn.Parameter(torch.tensor(np.nan))
    with pytest.raises(TrialFailed, match=r"a weight is not a finite number after epoch 1"):
        fit(network, fold_data.train, None, config.training, 0, lambda *_: False)


def test_cuda_without_a_device_says_so(fold_data, config, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no CUDA device"):
        train(fold_data, config, changed(config, "device", "cuda"))


def test_evaluation_answers_in_the_order_of_the_data(fold_data, config):
    network = network_of(fold_data, config)
    evaluation = evaluate(network, fold_data.validation, config.training)
    np.testing.assert_allclose(evaluation.probabilities.sum(1), 1, rtol=1e-5)
    network.eval()
    with torch.no_grad():
        for row in (0, len(fold_data.validation) - 1):
            alone = network(fold_data.validation.batch(np.array([row])).modalities).softmax(1)
            np.testing.assert_allclose(evaluation.probabilities[row], alone[0], atol=1e-5)


def test_evaluation_leaves_the_network_as_it_was(fold_data, config):
    network = network_of(fold_data, config)
    before = clone(network.state_dict())
    first = evaluate(network, fold_data.validation, config.training)
    again = evaluate(network, fold_data.validation, config.training)
    assert np.array_equal(first.probabilities, again.probabilities)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_halvings_that_are_given_take_the_place_of_its_own(fold_data, config):
    training = build(
        TrainingConfig,
        {**dump(config.training), "schedule": "plateau", "epochs": 5, "learning_rate": 0.01},
    )
    _, checkpoints, _ = train(fold_data, config, training, lr_halvings=[0, 0, 1, 3])
    rates = [state.optimizer["param_groups"][0]["lr"] for state in checkpoints.values()]
    assert rates == [0.01, 0.01, 0.005, 0.00125, 0.00125]


AUGMENTATION = {
    "time_mask": 0.3, "feature_mask": 0.2, "noise": 0.1, "gain": 0.1, "word_dropout": 0.2,
    "mixup": 0.3,
}  # fmt: skip


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_an_augmented_training_continues_to_the_same_end(fold_data, config, class_weights):
    training = build(
        TrainingConfig,
        {**dump(config.training), "augmentation": AUGMENTATION, "class_weights": class_weights},
    )
    whole, checkpoints, network = train(fold_data, config, training)
    rest, _, continued = train(fold_data, config, training, start=checkpoints[1])
    assert rest == whole[1:]
    for name, value in network.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name]), name
    plain, _, _ = train(fold_data, config)
    assert whole != plain
    # Validation passes through no augmentation
    scores = evaluate(network, fold_data.validation, config.training).metrics
    assert {f"val/{name}": value for name, value in scores.items()}.items() <= whole[-1].items()


def test_mixup_learns_from_shared_labels_alone(fold_data, config):
    """A small a leaves utterances nearly pure, a large one halves them."""
    curves = [
        train(fold_data, config, changed(config, "augmentation", {"mixup": a}), stop_after=1)[0]
        for a in (1e-6, 1e6)
    ]
    nearly_pure, halves = (curve[0]["train/loss"] for curve in curves)
    plain = train(fold_data, config, stop_after=1)[0][0]["train/loss"]
    assert nearly_pure == pytest.approx(plain, rel=0.1)
    assert halves != pytest.approx(plain, rel=1e-5)
