"""A trial: its trainings over folds and seeds, one after the other, and their outcomes.

In: a configuration and a plan of trainings. Out: `Outcomes`, whose value is the mean of the
trainings' values. A trial that is cut off keeps what its finished trainings came to in the
checkpoint of the one that was running, so that one file is all that continues it.

A split of one fold and `study.n_seeds=1` give a plan of one training: the usual trial.
"""

import io
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import Epoch, Training
from emotion_hpo.training.fold_run import (
    Checkpoint,
    DataModule,
    EpochSelector,
    Outcome,
    Progress,
    run,
)
from emotion_hpo.training.learner import Learner


@dataclass(frozen=True)
class Planned:
    """A training that is to be run.

    Attributes:
        fold: Index of the fold.
        seed: Of this training.
    """

    fold: int
    seed: int


def plan(n_folds: int, n_seeds: int, seed: int) -> tuple[Planned, ...]:
    """Plan the trainings of a trial: every seed of a fold before the next fold, which is read anew.

    The first training has the trial's own seed, every other one a stream of its own: trainings
    that share initial weights would err alike, and their mean would hide it.

    >>> [each.fold for each in plan(n_folds=2, n_seeds=2, seed=7)], plan(1, 1, seed=7)
    ([0, 0, 1, 1], (Planned(fold=0, seed=7),))
    """
    return tuple(
        Planned(index // n_seeds, derive(seed, "repetition", index) if index else seed)
        for index in range(n_folds * n_seeds)
    )


@dataclass(frozen=True)
class Outcomes:
    """What a trial's trainings have come to, those that have begun.

    Attributes:
        planned: All trainings of the trial.
        each: An outcome for each training so far.
        is_running: Whether the last of `each` may go on.
    """

    planned: tuple[Planned, ...]
    each: tuple[Outcome, ...]
    is_running: bool = False

    @property
    def finished(self) -> tuple[Outcome, ...]:
        """The trainings that have ended."""
        return self.each[:-1] if self.is_running else self.each

    @property
    def learner(self) -> Learner | None:
        """Return what was trained last; None where all trainings had ended before."""
        return self.each[-1].learner

    @property
    def value(self) -> float:
        """Return the mean of the trainings' values."""
        return statistics.fmean(outcome.value for outcome in self.each)

    @property
    def best_epoch(self) -> int:
        """Return the median of the trainings' best epochs, the lower one of two."""
        return statistics.median_low([outcome.best_epoch for outcome in self.each])

    @property
    def curve(self) -> tuple[Epoch, ...]:
        """Return every epoch of every training, in order, each with the index of its training."""
        return tuple(
            replace(epoch, training=index)
            for index, outcome in enumerate(self.each)
            for epoch in outcome.curve
        )

    def trainings(self, development: Development) -> tuple[Training, ...]:
        """Return the trainings as the trial's record holds them."""
        return tuple(
            Training(
                development.folds[planned.fold].name,
                planned.seed,
                outcome.value,
                outcome.best_epoch,
            )
            for planned, outcome in zip(self.planned, self.each, strict=False)  # those begun
        )

    def by_fold(self) -> dict[int, list[Outcome]]:
        """Return fold → the outcomes of its seeds."""
        outcomes: dict[int, list[Outcome]] = {}
        for planned, outcome in zip(self.planned, self.each, strict=False):  # those begun
            outcomes.setdefault(planned.fold, []).append(outcome)
        return outcomes

    def answers(self, development: Development) -> bytes:
        """Return validation answers as an `.npz`: id, dialogue, label, fold, mean probabilities.

        Rows are sorted by id; a trial that was pruned between folds has rows of its folds alone.
        """
        ids, dialogues, labels, folds, probabilities = [], [], [], [], []
        for index, outcomes in self.by_fold().items():
            fold = development.folds[index]
            ids += fold.validation.ids
            dialogues += [*fold.validation.table["dialogue"]]
            labels.append(fold.validation.labels)
            folds += [fold.name] * len(fold.validation)
            probabilities.append(np.mean([outcome.probabilities for outcome in outcomes], axis=0))
        order = np.argsort(np.array(ids), kind="stable")
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            utterance_id=np.array(ids)[order],
            dialogue=np.array(dialogues, str)[order],
            label=np.concatenate(labels)[order],
            probabilities=np.concatenate(probabilities)[order],
            fold=np.array(folds)[order],
        )
        return buffer.getvalue()

    def every_epoch(self) -> bytes:
        """Return every training's validation answers after every epoch, as an `.npz`.

        `training_0`, `training_1` …: each `(epochs, n, classes)` float16, in the order of its
        fold's validation part.
        """
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            f"training_{i}": outcome.every for i, outcome in enumerate(self.each)
        }
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()


def run_all(
    config: ExperimentConfig,
    data_module: DataModule,
    planned: tuple[Planned, ...],
    selector: EpochSelector,
    after_epoch: Callable[[Outcomes, Callable[[], Checkpoint]], bool],
    after_training: Callable[[Outcomes], bool] = lambda _: False,
    resume: Checkpoint | None = None,
) -> Outcomes:
    """Run a trial's trainings, those after the finished ones of `resume`.

    Args:
        config: What to train.
        data_module: What to train on.
        planned: The trainings.
        selector: Makes each training's value.
        after_epoch: Gets what has come out and a function that makes a checkpoint; True ends the
            trial.
        after_training: Gets what has come out; True ends the trial.
        resume: Where to continue.

    Raises:
        TrialFailed: A training diverged.
    """
    done = resume.before if resume else ()
    is_stopped = False
    for training in planned[len(done) :]:

        def on_epoch(progress: Progress, done: tuple[Outcome, ...] = done) -> bool:
            nonlocal is_stopped
            so_far = Outcomes(planned, (*done, progress.outcome), is_running=True)
            is_stopped = after_epoch(
                so_far, lambda: replace(progress.make_checkpoint(), before=done)
            )
            return is_stopped

        outcome = run(config, data_module, training.seed, selector, on_epoch, resume, training.fold)
        resume = None
        # One model at a time is held
        done = (*(replace(former, learner=None) for former in done), outcome)
        if is_stopped or after_training(Outcomes(planned, done)):
            break
    return Outcomes(planned, done)
