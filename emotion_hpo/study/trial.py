"""A trial as search, tracking, final and report see it, and what it is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class TrialState(StrEnum):
    """Where a trial stands; the last four are ends."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # another trial continues it; it counts towards no budget

    @property
    def is_finished(self) -> bool:
        """Whether it counts towards the budget."""
        return self in {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED}


def n_smoothed_of(rule: str) -> int:
    """Over how many epochs, at most, a training's value is the mean, by `study.value`."""
    return 3 if rule == "smoothed" else 1


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part.

    Attributes:
        epoch: From 1.
        metrics: `train/loss`, and of validation every metric: `val/accuracy`, `val/loss` …
        seconds: What it took, validation included.
        finished_at: Seconds since 1970.
        training: Index of the trial's training that it belongs to.
        usage: What its process took of the machine: `cpu_cores` that were busy, `cpu_seconds` and
            `memory_peak_mb` so far and, on a GPU, `gpu_memory_peak_mb` of this epoch.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float
    finished_at: float
    training: int = 0
    usage: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {
            "epoch": self.epoch,
            "metrics": dict(self.metrics),
            "seconds": self.seconds,
            "finished_at": self.finished_at,
            "training": self.training,
            "usage": dict(self.usage),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """As read back."""
        return cls(**stored)


@dataclass(frozen=True)
class Training:
    """One of a trial's trainings, ended: one fold, one seed.

    Attributes:
        fold: Its fold's name.
        seed: Of this training.
        value: The objective at `best_epoch`.
        best_epoch: The epoch that `value` is from.
    """

    fold: str
    seed: int
    value: float
    best_epoch: int


@dataclass(frozen=True)
class Trial:
    """A trial as search, tracking, final and report see it.

    Attributes:
        number: Optuna's; the folder is `trial_<number>`.
        state: Where it stands.
        params: Path in the configuration → value drawn.
        value: The objective, a mean over the trainings, or None while there is none.
        best_epoch: The epoch that `value` is from; of several trainings the median.
        curve: Every epoch trained, one training after the other.
        worker: Who trained it.
        reason: Why it failed.
        continues: Number of the interrupted trial whose checkpoint it took up.
        seed: Of its training.
        n_threads: That it was trained on; its bits depend on them.
        started_at: Seconds since 1970.
        finished_at: Seconds since 1970.
        trainings: Of an ended trial, each training over folds and seeds, in order.
        commit: Of the code that trained it.
        cost: The second objective, where the study has one.
        job: Name of what it trains in a batch; None of a search's trial.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    best_epoch: int | None = None
    curve: tuple[Epoch, ...] = ()
    worker: str | None = None
    reason: str | None = None
    continues: int | None = None
    seed: int | None = None
    n_threads: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    trainings: tuple[Training, ...] = ()
    commit: str | None = None
    cost: float | None = None
    job: str | None = None

    @property
    def name(self) -> str:
        """As people write it: `trial_42`."""
        return f"trial_{self.number}"

    @property
    def seconds(self) -> float:
        """Time spent training, over all lives of the trial."""
        return math.fsum(epoch.seconds for epoch in self.curve)
