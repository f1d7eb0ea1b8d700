"""One life of a training in a worker's hands: what it starts from, and what it keeps and leaves."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import TrialFailed
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
        former_files: Of the lives that it continues, the latest first.
        config: The study.
        data_module: What is trained on.
        study: Where the claim is from.
        resume: Where to continue.
        is_stopping: Whether the running epoch is to be the last for now.
    """

    claim: Claim
    home: StudyHome
    files: TrialHome
    former_files: tuple[TrialHome, ...]
    config: SearchConfig
    data_module: DataModule
    study: Study
    resume: Checkpoint | None
    is_stopping: Callable[[], bool]

    def keep(self, curve: tuple[Epoch, ...], checkpoint: Checkpoint) -> None:
        """Store what the next life starts from, after every epoch."""
        checkpoint.save(self.files.checkpoint)
        write_curve(self.files, curve)

    def keep_network(self, epoch: int, checkpoint: Checkpoint) -> None:
        """Store the network after an epoch, for this life or a later one to read again."""
        checkpoint.save_weights(self.files.network(epoch))

    def read_network(self, epoch: int) -> dict[str, Tensor]:
        """Read the network after an epoch; the latest of the lives that have it trained it.

        Raises:
            TrialFailed: No life has it.
        """
        paths = [files.network(epoch) for files in (self.files, *self.former_files)]
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            raise TrialFailed(f"the network after epoch {epoch} is not in {self.files.networks}")
        network: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return network

    def drop_networks(self, *, but: int) -> None:
        """Remove the networks of all epochs but one, of this life and the former ones."""
        for files in (self.files, *self.former_files):
            for path in files.networks.glob("*"):
                if path != files.network(but):
                    path.unlink()
