"""What trainings on several splits of one corpus read: a data module a split, a few at a time."""

from pathlib import Path

from emotion_hpo.config import ExperimentConfig, SplitConfig
from emotion_hpo.features.preparation import quiet
from emotion_hpo.splits.opening import open_development
from emotion_hpo.training.fold_run import DataModule

#: Held at a time. Jobs are claimed in the order of their splits, so that a worker is done with one
#: before it needs the next; each takes the memory of what is trained on.
N_HELD = 2


class DataModules:
    """The development part of each split, opened when it is first trained on.

    What a split seals is neither read nor held by its data module; another split's may hold it.

    Args:
        config: The corpus and its features.
        features: Folder of the feature stores.
        first: Of the configuration's own split.
    """

    def __init__(self, config: ExperimentConfig, features: Path, first: DataModule) -> None:
        self._config = config
        self._features = features
        self._held: list[tuple[SplitConfig, DataModule]] = [(config.split, first)]

    def of_split(self, split: SplitConfig) -> DataModule:
        """Return what a split trains on; that which was not needed for longest makes room for it.

        Raises:
            ConfigError: The split does not fit the corpus.
        """
        held = [pair for pair in self._held if pair[0] == split]
        self._held = [pair for pair in self._held if pair[0] != split][-(N_HELD - 1) :] + held
        if not held:
            config = self._config.model_copy(update={"split": split})
            _, development = open_development(config, self._features, quiet)
            self._held.append((split, DataModule(development)))
        return self._held[-1][1]
