"""The training loop: an epoch after the other, and the evaluation that follows each.

Both know batches and networks, and nothing of studies. Whatever follows an epoch (a checkpoint, a
report to the sampler, a line on the screen) is the caller's `on_epoch`. All randomness of an epoch
derives from `(seed, epoch)`, so that a training continued from any checkpoint ends where the
uninterrupted one does, bit for bit.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from emotion_hpo.config import TrainingConfig
from emotion_hpo.config.auto import resolved
from emotion_hpo.dataset.augmentation import augmented
from emotion_hpo.dataset.batch import Batch
from emotion_hpo.dataset.batches import BatchSource, Dataset
from emotion_hpo.dataset.resident import on_device, with_vectors
from emotion_hpo.errors import ConfigError, TrialFailed
from emotion_hpo.metrics.registry import score_all
from emotion_hpo.runtime.threads import one_thread
from emotion_hpo.runtime.torch_internals import multiplies_bfloat16, stay_eager
from emotion_hpo.runtime.usage import Meter
from emotion_hpo.study import Epoch

#: Larger batches are hardly faster, and would need more memory than training does.
EVALUATION_BATCH = 64

#: As long as most people wait; the schedule then halves the learning rate.
PLATEAU_EPOCHS = 3


@dataclass(frozen=True)
class Evaluation:
    """A network's answers on a data set, in the data set's order.

    Attributes:
        probabilities: `(n, classes)` float32, rows sum to 1.
        metrics: The value of every metric of the registry by its name.
    """

    probabilities: NDArray[np.float32]
    metrics: dict[str, float]


@dataclass(frozen=True)
class TrainingState:
    """What continues a training: states after `epoch` epochs, and the losses until then."""

    epoch: int
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    losses: list[float]


#: Called after every epoch; True ends the training.
OnEpoch = Callable[[Epoch, Evaluation | None, Callable[[], TrainingState]], bool]


def fit(
    network: nn.Module,
    train: Dataset,
    validation: Dataset | None,
    config: TrainingConfig,
    seed: int,
    on_epoch: OnEpoch,
    start: TrainingState | None = None,
    lr_halvings: Sequence[int] | None = None,
) -> None:
    """Train a network in place.

    Args:
        network: Modalities → logits `(B, classes)`.
        train: What it learns from.
        validation: What it is evaluated on after every epoch, or None.
        config: Epochs, optimiser, learning rate …
        seed: Of batches, their augmentation, and dropout.
        on_epoch: Gets the epoch's metrics, the evaluation, and a function that makes a checkpoint.
        start: Where to continue.
        lr_halvings: How often `schedule=plateau` has halved the learning rate before each epoch;
            later epochs repeat the last entry. None or empty: by this training's own losses.

    Raises:
        TrialFailed: The loss or a weight is not a finite number.
    """
    device = device_of(config)
    network.to(device)
    optimizer = _optimizer(network, config)
    class_weights = _class_weights(train, config)
    is_augmented = not config.augmentation.is_off
    source = on_device(train, device) if is_augmented else _at_hand(network, train, config)
    targets = _targets(source, config)
    losses: list[float] = []
    first_epoch = 1
    batch_size = resolved(config.batch_turns if train.in_dialogues else config.batch_size)
    if start is not None:
        network.load_state_dict(start.network)
        optimizer.load_state_dict(start.optimizer)
        losses += start.losses
        first_epoch = start.epoch + 1

    for epoch in range(first_epoch, resolved(config.epochs) + 1):
        started_at, meter = time.perf_counter(), Meter.start()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
        n_halvings = lr_halvings[:epoch][-1] if lr_halvings else n_plateaus(losses)
        _set_learning_rate(optimizer, config, epoch, n_halvings)
        batches = source.epoch(batch_size, config.bucket_batches, [seed, epoch])
        batches = augmented(batches, config.augmentation, [seed, epoch])
        train_loss = _train_epoch(network, optimizer, batches, targets, class_weights, config)

        epoch_metrics, evaluation = {"train/loss": train_loss}, None
        if validation is not None:
            evaluation = evaluate(network, validation, config)
            epoch_metrics |= {f"val/{name}": value for name, value in evaluation.metrics.items()}
        _check_finite(network, epoch_metrics, epoch)
        losses.append(epoch_metrics.get("val/loss", epoch_metrics["train/loss"]))
        seconds, usage = time.perf_counter() - started_at, _read_usage(meter, device)
        record = Epoch(epoch, epoch_metrics, seconds, time.time(), usage=usage)
        copy_state = partial(_copy_state, epoch, network, optimizer, losses)
        if on_epoch(record, evaluation, copy_state):
            return


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Batch],
    targets: Tensor,
    class_weights: Tensor | None,
    config: TrainingConfig,
) -> float:
    """Take a step of the optimiser on every batch; return the mean loss of the utterances.

    Args:
        network: Modalities → logits `(B, classes)`.
        optimizer: Of its weights, at the epoch's learning rate.
        batches: Of an epoch, augmented.
        targets: Of every utterance, by row: classes `(n,)` or their shares `(n, classes)`.
        class_weights: How much each class counts, or None.
        config: How the loss and the gradient are made.
    """
    device = device_of(config)
    autocast = autocast_of(config, device)
    network.train()
    total_loss = torch.zeros((), device=device)
    for batch in batches:
        with autocast:
            logits_BC = network(batch.inputs)
        loss = F.cross_entropy(
            batch.mix(logits_BC.float()),
            batch.mix(targets[batch.rows]),
            weight=class_weights,
            label_smoothing=config.label_smoothing,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        if config.clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)  # now: the next forward pass needs the memory
        total_loss += loss.detach() * len(batch)
    return float(total_loss) / len(targets)


def evaluate(network: nn.Module, data: Dataset, config: TrainingConfig) -> Evaluation:
    """Return a network's class probabilities of every utterance, and their metrics."""
    logits_NC = answer(network, data, config)
    probabilities = logits_NC.softmax(1).cpu().numpy()
    scores = score_all(data.utterances.labels, probabilities)
    # Of the logits, as training has it: probabilities that underflow have lost their logarithm
    scores["loss"] = float(F.cross_entropy(logits_NC, data.labels.to(logits_NC.device)))
    return Evaluation(probabilities, scores)


def answer(network: nn.Module, data: Dataset, config: TrainingConfig) -> Tensor:
    """Return a network's logits `(n, classes)` of every utterance."""
    device = device_of(config)
    network.to(device).eval()
    autocast = autocast_of(config, device)
    source = _at_hand(network, data, config)
    logits_NC: Tensor | None = None
    threads = one_thread() if len(data.turns) == 1 else nullcontext()
    with threads, torch.inference_mode(), autocast:
        for batch in source.in_order(EVALUATION_BATCH):
            logits_BC = network(batch.inputs)
            if logits_NC is None:
                logits_NC = torch.empty(len(data), logits_BC.shape[1], device=device)
            logits_NC[batch.rows] = logits_BC.float()
    assert logits_NC is not None, "an empty data set has no answers"
    return logits_NC


def _at_hand(network: nn.Module, data: Dataset, config: TrainingConfig) -> BatchSource:
    """Return a data set where a network finds it; where all encoders are frozen, their vectors."""
    device = device_of(config)
    encoders = getattr(network, "fixed_encoders", None)
    if encoders is None:
        return on_device(data, device)
    return with_vectors(data, encoders, device, autocast_of(config, device))


def _read_usage(meter: Meter, device: torch.device) -> dict[str, float]:
    """Return what an epoch took of the machine."""
    usage = dict(meter.read())
    if device.type == "cuda":
        peak_mb = torch.cuda.max_memory_allocated(device) / 1024**2
        usage["gpu_memory_peak_mb"] = round(peak_mb, 1)
    return usage


def _check_finite(network: nn.Module, epoch_metrics: Mapping[str, float], epoch: int) -> None:
    """Refuse metrics and weights that are no finite numbers; a ReLU may hide NaN from the loss.

    Raises:
        TrialFailed: One of them is not.
    """
    for name, value in epoch_metrics.items():
        if not math.isfinite(value):
            raise TrialFailed(f"{name} is {value} after epoch {epoch}")
    # One number for all weights: on a GPU each one read would wait for the device
    if not torch.stack([weight.isfinite().all() for weight in network.parameters()]).all():
        raise TrialFailed(f"a weight is not a finite number after epoch {epoch}")


def _copy_state(
    epoch: int, network: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]
) -> TrainingState:
    return TrainingState(epoch, network.state_dict(), optimizer.state_dict(), list(losses))


def _optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    parameters = [weight for weight in network.parameters() if weight.requires_grad]
    rate, chosen = config.learning_rate, config.optimizer
    stay_eager()
    match chosen.name:
        case "adam":
            # Keras's epsilon, the reference's; fused: one pass over the weights, not a dozen
            return torch.optim.Adam(parameters, lr=rate, eps=1e-7, fused=True)
        case "adamw":
            return torch.optim.AdamW(
                parameters, lr=rate, weight_decay=chosen.weight_decay, fused=True
            )
        case "adadelta":
            return torch.optim.Adadelta(parameters, lr=rate, rho=0.95, eps=1e-7)  # as in Keras
        case "sgd":
            return torch.optim.SGD(
                parameters,
                lr=rate,
                momentum=chosen.momentum,
                weight_decay=chosen.weight_decay,
                nesterov=chosen.momentum > 0,
                fused=True,
            )


def _set_learning_rate(
    optimizer: torch.optim.Optimizer, config: TrainingConfig, epoch: int, n_halvings: int
) -> None:
    """Set an epoch's learning rate; it depends on epoch and losses, so that no state is kept."""
    rate = config.learning_rate
    if config.schedule == "cosine":
        rate *= (1 + math.cos(math.pi * (epoch - 1) / resolved(config.epochs))) / 2
    elif config.schedule == "plateau":
        rate *= 0.5**n_halvings
    for group in optimizer.param_groups:
        group["lr"] = rate


def n_plateaus(losses: Sequence[float]) -> int:
    """Count how often three epochs in a row brought no lower loss than the lowest before them.

    >>> n_plateaus([3, 2, 2, 2, 2, 1, 1])
    1
    """
    lowest, waited, n_found = math.inf, 0, 0
    for loss in losses:
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == PLATEAU_EPOCHS:
            n_found, waited = n_found + 1, 0
    return n_found


def _targets(data: BatchSource, config: TrainingConfig) -> Tensor:
    """Return classes `(n,)`, or where labels are shared among classes `(n, classes)`."""
    if config.labels == "votes":
        return data.vote_shares()
    if config.augmentation.mixup:
        return F.one_hot(data.labels, len(data.utterances.classes)).float()
    return data.labels


def _class_weights(train: Dataset, config: TrainingConfig) -> Tensor | None:
    if config.class_weights == "none":
        return None
    counts = torch.bincount(train.labels, minlength=len(train.utterances.classes))
    weights = len(train) / (len(counts) * counts.clamp(min=1))
    return weights.to(device_of(config))


def device_of(config: TrainingConfig) -> torch.device:
    """Return where a training runs.

    Raises:
        ConfigError: The configuration names a device that is not there.
    """
    has_cuda = torch.cuda.is_available()
    if config.device == "cuda" and not has_cuda:
        raise ConfigError(
            "training.device: cuda is set, but no CUDA device is there; set cpu or auto"
        )
    return torch.device("cuda" if config.device != "cpu" and has_cuda else "cpu")


def autocast_of(config: TrainingConfig, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes as precisely as configured."""
    return torch.autocast(device.type, torch.bfloat16, enabled=_is_bfloat16(config, device))


def _is_bfloat16(config: TrainingConfig, device: torch.device) -> bool:
    """Return whether to use bfloat16: `auto` does where the hardware makes it twice as fast."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return multiplies_bfloat16()
