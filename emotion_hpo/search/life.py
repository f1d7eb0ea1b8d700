"""One life of a training in a worker's hands: what it starts from, and what it keeps and leaves."""

from collections.abc import Callable
from dataclasses import dataclass

from emotion_hpo.config import SearchConfig
from emotion_hpo.search.optuna.study import Claim, Study
from emotion_hpo.study import Epoch, StudyHome, TrialHome
from emotion_hpo.study.curves import write_curve
from emotion_hpo.training.fold_run import Checkpoint, DataModule


@dataclass(frozen=True)
class Life:
    """What a purpose needs to train a claim.

    Attributes:
        claim: What is trained.
        home: Of the study, whatever batch the claim is of.
        files: Of the claim.
        config: The study.
        data_module: What is trained on.
        study: Where the claim is from.
        resume: Where to continue.
        is_stopping: Whether the running epoch is to be the last for now.
    """

    claim: Claim
    home: StudyHome
    files: TrialHome
    config: SearchConfig
    data_module: DataModule
    study: Study
    resume: Checkpoint | None
    is_stopping: Callable[[], bool]

    def keep(self, curve: tuple[Epoch, ...], checkpoint: Checkpoint) -> None:
        """Store what the next life starts from, after every epoch."""
        checkpoint.save(self.files.checkpoint)
        write_curve(self.files, curve)
