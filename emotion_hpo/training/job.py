"""A training that is asked for by name, other than a search's trials, which a sampler proposes.

In a batch of jobs each is claimed, continued and ended as a trial is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from emotion_hpo.config import ExperimentConfig, build, dump
from emotion_hpo.study import StudyHome, Trial, TrialHome


class Purpose(StrEnum):
    """What a job is trained for; each has a batch of its own in a study."""

    CONFIRMATION = "confirmation"  # a leader of the search over a fresh seed, on every fold
    FINAL = "final"  # a final model of one seed, on everything that is not sealed
    REPLAY = "replay"  # the same again, to be compared
    PROTOCOL = "protocol"  # a fixed configuration on one fold of any split


@dataclass(frozen=True)
class Job:
    """A training that is asked for.

    Attributes:
        purpose: What it is trained for.
        name: Of it alone in its batch; another if what comes out would be another.
        config: What is trained, and on which split, which may be another for each job of a batch.
        seed: Of this training.
        epochs: After how many it ends; None as the configuration says.
        lr_halvings: With `schedule=plateau`, how often the learning rate is halved before each
            epoch; else empty.
        fold: Of the split, where but one fold of it is trained on.
        keeps_every_epoch: Whether the network of each epoch is stored, in order, or the chosen one.
    """

    purpose: Purpose
    name: str
    config: ExperimentConfig
    seed: int
    epochs: int | None = None
    lr_halvings: tuple[int, ...] = ()
    fold: int = 0
    keeps_every_epoch: bool = False

    def to_plain(self) -> dict[str, Any]:
        """Return it as a storage holds it."""
        return {
            "purpose": self.purpose.value,
            "name": self.name,
            "config": dump(self.config),
            "seed": self.seed,
            "epochs": self.epochs,
            "lr_halvings": list(self.lr_halvings),
            "fold": self.fold,
            "keeps_every_epoch": self.keeps_every_epoch,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """As read back."""
        return cls(
            purpose=Purpose(plain["purpose"]),
            name=plain["name"],
            config=build(ExperimentConfig, plain["config"]),
            seed=plain["seed"],
            epochs=plain["epochs"],
            lr_halvings=tuple(plain["lr_halvings"]),
            fold=plain.get("fold", 0),  # older batches know neither
            keeps_every_epoch=plain.get("keeps_every_epoch", False),
        )


@dataclass(frozen=True)
class TrainedBatch:
    """What has become of a batch.

    Attributes:
        home: Of the batch.
        trials: Name of a job → its latest life.
    """

    home: StudyHome
    trials: Mapping[str, Trial]

    def files(self, name: str) -> TrialHome:
        """Return where a job was trained."""
        return self.home.trial(self.trials[name].number)


#: Whether what comes out of a job is there; it gets the files of the trial that has trained it, or
#: None where no trial of the batch has.
IsStored = Callable[[Job, TrialHome | None], bool]

#: Trains jobs, whatever is not stored of them.
Train = Callable[[Sequence[Job], IsStored], TrainedBatch]
