"""A trial in a worker's hands, and what it is told when it is not any more."""

from dataclasses import dataclass

import optuna
from filelock import BaseFileLock

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.search.optuna.heartbeat import Heartbeat
from emotion_hpo.training.job import Job


class ClaimLost(StudyError):  # noqa: N818 (what happened, not what is wrong)
    """A trial was taken from its worker, which was believed dead; another continues it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"trial_{number} was taken over by another worker")


@dataclass(frozen=True)
class Claim:
    """A trial in a worker's hands.

    Attributes:
        number: The trial's number.
        config: What to train.
        seed: Of the training.
        former_lives: Interrupted trials that this one continues, the latest first.
        trial: Optuna's handle.
        lock: Held as long as the trial is trained: a dead worker's is free.
        is_alone: Whether no other worker is beside its own: it was set aside.
        heartbeat: Tells other machines that the trial is being trained; None on one machine alone.
        job: What a trial of a batch trains; None of a search's trial.
        fault: Why the values that were drawn cannot be together; None where they can. `config` is
            the study's own then.
    """

    number: int
    config: ExperimentConfig
    seed: int
    former_lives: tuple[int, ...]
    trial: optuna.Trial
    lock: BaseFileLock
    is_alone: bool = False
    heartbeat: Heartbeat | None = None
    job: Job | None = None
    fault: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"trial_{self.number}" if self.job is None else self.job.name

    def drop(self) -> None:
        """Let go of the trial."""
        if self.heartbeat is not None:
            self.heartbeat.stop()
        self.lock.release()
