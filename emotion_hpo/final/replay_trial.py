"""`replay`: train a trial again and compare it with what is stored, epoch by epoch.

The same machine, thread count, versions and seed give the same bits; `replay` shows whether they
did. It reads the study's files alone, changes none of them, and never sees the holdout.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from emotion_hpo.errors import StudyError
from emotion_hpo.features.preparation import OnProgress
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import Epoch, StudyHome, Trial, study_file
from emotion_hpo.study.trials import find, read_trials
from emotion_hpo.training.fold_run import DataModule, EpochSelector
from emotion_hpo.training.trial_run import Outcomes, plan, run_all


@dataclass(frozen=True)
class Replay:
    """A trial, stored and trained again.

    Attributes:
        trial: As stored.
        curve: As trained again.
    """

    trial: Trial
    curve: tuple[Epoch, ...]

    @property
    def first_difference(self) -> int | None:
        """The first epoch whose metrics differ in any bit, counted over all trainings, or None."""
        pairs = enumerate(zip(self.trial.curve, self.curve, strict=True), start=1)
        return next((at for at, (old, new) in pairs if old.metrics != new.metrics), None)


def replay(
    home: StudyHome,
    name: str | int | None,
    on_features: OnProgress,
    on_epoch: Callable[[Epoch, Epoch], None],
) -> Replay:
    """Train a trial again, for as many epochs as it had.

    Args:
        home: The study.
        name: `trial_42`, `42`, or None for the best.
        on_features: Shows the preparation of features.
        on_epoch: Gets every epoch as stored and as trained again.

    Raises:
        StudyError: No such study or trial.
    """
    stored = study_file.read(home)
    trial = find(read_trials(home), name, stored.config.study.objective)
    if trial.seed is None or not trial.curve:
        raise StudyError(f"{home.trial(trial.number).path} lacks what a replay needs")
    store, development = open_development(stored.config, home.features, on_features)
    study_file.check_shards(stored, store.keys, store.corpus_name)
    config = study_file.trial_config(home, trial.number)

    def after_epoch(so_far: Outcomes, _saved: object) -> bool:
        on_epoch(trial.curve[len(so_far.curve) - 1], so_far.curve[-1])
        return len(so_far.curve) >= len(trial.curve)

    selector = EpochSelector(stored.config.study.objective, stored.config.study.value)
    planned = plan(len(development.folds), stored.config.study.n_seeds, trial.seed)
    before = torch.get_num_threads()
    torch.set_num_threads(trial.n_threads or before)
    try:
        outcomes = run_all(config, DataModule(development), planned, selector, after_epoch)
    finally:
        torch.set_num_threads(before)
    return Replay(trial, outcomes.curve)
