"""One configuration, one fold, one seed: a training that can be stopped and taken up again.

`DataModule` reads the development utterances as a configuration wants them and keeps the last fold
that it read, for most trials of a search read alike. `run` trains, keeps the answers of the best
epoch, and hands a `Progress` to its caller after every epoch; `Checkpoint` is what a checkpoint
file holds. `trial_run` makes a trial of several such trainings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from emotion_hpo.config import ExperimentConfig, NetworkModel
from emotion_hpo.config.auto import resolved
from emotion_hpo.config.features import FUNCTIONALS, TEXT_FACTORS
from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.features.extraction import RECORDED
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import Epoch, n_smoothed_of, replacing
from emotion_hpo.training.learner import (
    Learner,
    build_learner,
    describe_reading,
    fit_preprocessor,
)
from emotion_hpo.training.loop import Evaluation, TrainingState, device_of


@dataclass(frozen=True)
class FoldData:
    """A fold, read: what was learnt from the training part, and both parts as data sets."""

    preprocessor: Preprocessor
    train: Dataset
    validation: Dataset


class DataModule:
    """The development utterances, read once for all trials that read them alike.

    One fold at a time is held for each kind of reading (of networks and of classical models, of
    utterances alone and in dialogues): eight of the full corpus would need eight times its memory.
    """

    def __init__(self, development: Development) -> None:
        self.development = development
        self._held: dict[str, tuple[str, FoldData]] = {}
        self._held_everything: dict[str, tuple[Preprocessor, Dataset]] = {}

    def fold(self, config: ExperimentConfig, index: int = 0) -> FoldData:
        """Return both parts of a fold as this configuration's model takes them."""
        part = self.development.folds[index]
        key = f"{describe_reading(config, part.train)}/{index}"
        kind = key.partition("/")[0]
        if kind not in self._held or key != self._held[kind][0]:
            self._held.pop(kind, None)  # gives its memory back before as much is taken again
            preprocessor = fit_preprocessor(config, part.train)
            fold_data = FoldData(
                preprocessor,
                self._read(config, preprocessor, part.train),
                preprocessor.transform(part.validation),
            )
            self._held[kind] = key, fold_data
        return self._held[kind][1]

    def everything(self, config: ExperimentConfig) -> tuple[Preprocessor, Dataset]:
        """Return all of it as one training part; one reading at a time is held."""
        everything = self.development.everything
        key = describe_reading(config, everything)
        if key not in self._held_everything:
            self._held_everything.clear()
            preprocessor = fit_preprocessor(config, everything)
            train = self._read(config, preprocessor, everything)
            self._held_everything[key] = preprocessor, train
        return self._held_everything[key]

    def _read(
        self, config: ExperimentConfig, preprocessor: Preprocessor, train: Utterances
    ) -> Dataset:
        """Read a training part, and the copies that this configuration learns from beside it.

        What was fitted on the training part knows no copy: it is the same with them as without.

        Raises:
            ConfigError: The copies would be the same as the utterances.
        """
        perturbations = config.training.augmentation.perturbations
        if not perturbations:
            return preprocessor.transform(train)
        if not RECORDED.intersection(preprocessor.modalities):
            raise ConfigError(
                "training.augmentation: the model reads nothing that is made of recordings, so "
                "that copies of another speed or pitch would say the same again; set both to 0"
            )
        return preprocessor.transform(self.development.with_copies(train, perturbations))

    def check(self, config: ExperimentConfig) -> None:
        """Build what a trial would train, so that what can never be built is refused before any.

        Raises:
            ConfigError: No trial of this configuration could start.
        """
        fold_data = self.fold(config)
        classes = fold_data.train.utterances.classes
        device_of(config.training)
        build_learner(config, fold_data.preprocessor, len(classes), seed=0)


@dataclass(frozen=True)
class EpochSelector:
    """What makes a training's value.

    Attributes:
        objective: A metric such as `val/accuracy`.
        rule: `best` epoch, `last` epoch, or best `smoothed` value, the mean of up to three epochs.
    """

    objective: str
    rule: str = "best"

    def value(self, curve: tuple[Epoch, ...]) -> float:
        """Return the value after the latest epoch."""
        latest = curve[-n_smoothed_of(self.rule) :]
        values = [epoch.metrics[self.objective] for epoch in latest]
        return sum(values) / len(values)

    def should_stop(self, patience: int | None, curve: tuple[Epoch, ...]) -> bool:
        """Return whether the latest `patience` epochs brought no better value than before."""
        if patience is None or len(curve) <= patience:
            return False
        values = [self.value(curve[: end + 1]) for end in range(len(curve))]
        sign = find_metric(self.objective).sign
        best = max(sign * value for value in values[:-patience])
        return all(sign * value <= best for value in values[-patience:])

    def is_better(self, new: float, old: float) -> bool:
        """Return whether a later epoch's value replaces the best one so far."""
        return self.rule == "last" or find_metric(self.objective).sign * (new - old) > 0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a training so far.

    Attributes:
        curve: Every epoch.
        best_epoch: The epoch that the selector took, the first of equals.
        value: The objective at `best_epoch`.
        probabilities: Validation probabilities `(n, classes)` at `best_epoch`.
        every: Those of every epoch `(epochs, n, classes)`: the epoch is chosen, too, and what that
            adds to a value can be computed from these alone.
        learner: What was trained, once the training has ended; no checkpoint holds it.
    """

    curve: tuple[Epoch, ...]
    best_epoch: int
    value: float
    probabilities: NDArray[np.float32]
    every: NDArray[np.float16]
    learner: Learner | None = field(default=None, compare=False, repr=False)

    def after(self, epoch: Epoch, evaluation: Evaluation, selector: "EpochSelector") -> "Outcome":
        """Return the outcome one epoch later."""
        curve = (*self.curve, epoch)
        value = selector.value(curve)
        latest = round_to_half(evaluation.probabilities)[None]
        every = np.concatenate([self.every, latest]) if self.curve else latest
        if self.curve and not selector.is_better(value, self.value):
            return Outcome(curve, self.best_epoch, self.value, self.probabilities, every)
        return Outcome(curve, epoch.epoch, value, evaluation.probabilities, every)

    def to_plain(self) -> dict[str, Any]:
        """Return it as a checkpoint holds it."""
        return {
            "curve": [epoch.to_json() for epoch in self.curve],
            "best_epoch": self.best_epoch,
            "value": self.value,
            "probabilities": torch.from_numpy(self.probabilities),
            "every": torch.from_numpy(self.every),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """As read back."""
        curve = tuple(map(Epoch.from_json, plain["curve"]))
        answers = (plain[name].numpy() for name in ("probabilities", "every"))
        return cls(curve, plain["best_epoch"], plain["value"], *answers)


def round_to_half(probabilities: NDArray[np.float32]) -> NDArray[np.float16]:
    """Round to half precision, with the same answers: classes that become equal stay apart.

    >>> round_to_half(np.array([[0.49991, 0.49999, 0.0001]], np.float32)).argmax(1)
    array([1])
    """
    half = probabilities.astype(np.float16)
    answers = probabilities.argmax(1)
    rows = np.flatnonzero(half.argmax(1) != answers)
    half[rows, answers[rows]] = np.nextafter(half[rows].max(1), np.float16(2))
    return half


NOTHING_YET = Outcome(
    (), 0, float("-inf"), np.zeros((0, 0), np.float32), np.zeros((0, 0, 0), np.float16)
)


@dataclass(frozen=True)
class Checkpoint:
    """A training between two epochs, as a checkpoint file holds it.

    Attributes:
        state: The network and its optimiser after an epoch.
        outcome: Of this training so far.
        before: Of the trial's trainings before this one.
    """

    state: TrainingState
    outcome: Outcome
    before: tuple[Outcome, ...] = ()

    def save(self, path: Path) -> None:
        """Replace the checkpoint file as a whole; it is large, and may be lost with the power."""
        content = {
            "epoch": self.state.epoch,
            "network": self.state.network,
            "optimizer": self.state.optimizer,
            "losses": self.state.losses,
            "outcomes": [outcome.to_plain() for outcome in (*self.before, self.outcome)],
        }
        with replacing(path, is_flushed=False) as file:
            torch.save(content, file)

    def save_weights(self, path: Path) -> None:
        """Replace a file of the network's weights alone, for an encoder to start from."""
        with replacing(path) as file:
            torch.save(self.state.network, file)

    @classmethod
    def load(cls, path: Path) -> "Checkpoint | None":
        """Read a checkpoint file, or None where there is none.

        Raises:
            StudyError: It cannot be read.
        """
        if not path.exists():
            return None
        try:
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            *before, outcome = map(Outcome.from_plain, content["outcomes"])
        except Exception as error:  # torch raises whatever its broken pickle leads to
            raise StudyError(f"{path} is broken ({type(error).__name__})") from None
        parts = (content[name] for name in ("epoch", "network", "optimizer", "losses"))
        return cls(TrainingState(*parts), outcome, tuple(before))


@dataclass(frozen=True)
class Progress:
    """What `run` hands on after every epoch."""

    outcome: Outcome
    make_checkpoint: Callable[[], Checkpoint]


def run(
    config: ExperimentConfig,
    data_module: DataModule,
    seed: int,
    selector: EpochSelector,
    after_epoch: Callable[[Progress], bool],
    resume: Checkpoint | None = None,
    fold: int = 0,
) -> Outcome:
    """Train one configuration on a fold's training part and evaluate it on its validation part.

    Args:
        config: What to train.
        data_module: What to train on.
        seed: Of initial weights, batches and dropout.
        selector: Makes the value, and one epoch the best.
        after_epoch: Called after every epoch; True ends the training.
        resume: Where to continue.
        fold: Index of the fold.

    Raises:
        TrialFailed: The training diverged.
    """
    fold_data = data_module.fold(config, fold)
    classes = fold_data.train.utterances.classes
    learner = build_learner(config, fold_data.preprocessor, len(classes), seed=seed)
    outcome = resume.outcome if resume else NOTHING_YET
    patience = resolved(config.training.patience)

    def on_epoch(
        epoch: Epoch, evaluation: Evaluation | None, checkpoint: Callable[[], TrainingState]
    ) -> bool:
        nonlocal outcome
        assert evaluation is not None
        outcome = outcome.after(epoch, evaluation, selector)
        is_over = after_epoch(Progress(outcome, lambda: Checkpoint(checkpoint(), outcome)))
        return is_over or selector.should_stop(patience, outcome.curve)

    start = resume.state if resume else None
    if selector.should_stop(patience, outcome.curve):
        return replace(outcome, learner=learner)  # cut off after its last epoch
    learner.fit(fold_data.train, fold_data.validation, seed, on_epoch, start)
    return replace(outcome, learner=learner)


def check_modalities(config: ExperimentConfig, available: tuple[str, ...], corpus: str) -> None:
    """Refuse a model that reads a modality that the corpus does not have.

    Raises:
        ConfigError: With what works instead.
    """
    model = config.model
    if isinstance(model, NetworkModel):
        key, names = "encoders", tuple(model.encoders) if model.reads == "encoders" else ()
    else:
        key, names = "modalities", model.modalities or ()
    if absent := [name for name in names if name not in available]:
        for name in {FUNCTIONALS, TEXT_FACTORS}.intersection(absent):
            if config.features.section(name) is None:
                raise ConfigError(
                    f"model.{key}: the model reads {name}, but features.{name} is null; give it a "
                    "value, or choose a model without it"
                )
        raise ConfigError(
            f"model.{key}: corpus {corpus} has {', '.join(available)}, but the model reads "
            f"{', '.join(absent)}; choose a model of these, such as model={available[0]}"
        )
