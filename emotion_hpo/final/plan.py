"""What `final` retrains: a trial, an ensemble, each for the epochs validation chose; a baseline."""

import statistics
from dataclasses import dataclass

from emotion_hpo.config import ExperimentConfig, fingerprint
from emotion_hpo.errors import StudyError
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, Trial, study_file
from emotion_hpo.study.records.base import read_if_there
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.selection import Selection
from emotion_hpo.study.trials import find_default
from emotion_hpo.training.loop import n_plateaus

#: The baseline's folder in a study where it is fitted without the turns before, too.
BASELINE_ALONE = f"{BASELINE}_alone"


@dataclass(frozen=True)
class Recipe:
    """One configuration, retrained.

    Attributes:
        name: Of the trial that it is from, or `baseline`.
        key: What tells its seeds apart from others': the trial's number, or `baseline`.
        value: What it had reached on validation.
        config: Its configuration.
        epochs: Passes over the data: those that validation found best.
        seeds: One training each.
        lr_halvings: With `schedule=plateau`, how often validation had halved the learning rate
            before each epoch; else empty.
        seconds: What a training is expected to take, by the epochs of the search.
    """

    name: str
    key: int | str
    value: float | None
    config: ExperimentConfig
    epochs: int
    seeds: tuple[int, ...]
    lr_halvings: tuple[int, ...] = ()
    seconds: float = 0.0

    @property
    def identity(self) -> str:
        """Changes whenever the model would."""
        return fingerprint(
            {
                "config": self.config.identity,
                "trial": self.key,
                "epochs": self.epochs,
                "seeds": list(self.seeds),
                **({"halvings": list(self.lr_halvings)} if self.lr_halvings else {}),
            }
        )


@dataclass(frozen=True)
class Plan:
    """What is scored: one recipe, or several whose probabilities are averaged by weight.

    Attributes:
        name: `trial_42`, `ensemble` or `baseline`.
        members: What is retrained.
        weights: Of each member; they sum to 1.
        rule: How their answers are combined; `single` for one member.
    """

    name: str
    members: tuple[Recipe, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "single"

    @property
    def identity(self) -> str:
        """Changes whenever the model would."""
        if len(self.members) == 1:
            return self.members[0].identity
        pairs = zip(self.members, self.weights, strict=True)
        members = [[member.identity, weight] for member, weight in pairs]
        return fingerprint({"members": members, "rule": self.rule})

    @property
    def config(self) -> str:
        """Fingerprint of what is trained, seeds and epochs apart."""
        if len(self.members) == 1:
            return self.members[0].config.identity
        return fingerprint({"members": [member.config.identity for member in self.members]})


def recipe_of(
    home: StudyHome, stored: study_file.StudyFile, trial: Trial, development: Development
) -> Recipe:
    """Return how a trial is retrained: for the median of the best epochs of all its trainings.

    With `study.retrain=steps` the optimiser takes as many steps as validation found best, which
    are fewer epochs of all the data than of a fold's training part.

    Raises:
        StudyError: Its record lacks what is needed.
    """
    if trial.seed is None or trial.best_epoch is None:
        raise StudyError(f"{home.trial(trial.number).record} names no seed; search anew")
    config, study = study_file.trial_config(home, trial.number), stored.config.study
    epochs, share = _confirmed_epochs(home).get(trial.name, trial.best_epoch), 1.0
    if study.retrain == "steps":
        n_train = statistics.fmean(len(fold.train) for fold in development.folds)
        share = n_train / len(development.everything)
        epochs = max(1, round(epochs * share))
    lr_halvings = halvings_of(trial, epochs, share) if config.training.schedule == "plateau" else ()
    seconds = epochs * statistics.median([epoch.seconds for epoch in trial.curve] or [0.0])
    return Recipe(
        trial.name, trial.number, trial.value, config, epochs, study.final_seeds, lr_halvings,
        seconds,
    )  # fmt: skip


def baseline_recipe(
    home: StudyHome,
    stored: study_file.StudyFile,
    development: Development,
    *,
    is_alone: bool = False,
) -> Recipe:
    """Return the baseline of all that is not sealed, as a model that is stored and used like any.

    What it is, is chosen anew by cross-validation, as in the search. `is_alone`: it reads no turns
    beside an utterance, whatever the study's models do.
    """
    from emotion_hpo.models.baseline import choose_baseline, count_turns_before

    config = stored.config.experiment()
    turns_before = 0 if is_alone else count_turns_before(stored.config, development.everything)
    model, features = choose_baseline(
        development.everything,
        config.features,
        by_speaker=development.has_new_speakers,
        turns_before=turns_before,
    )
    training = config.training.model_copy(update={"labels": "majority"})  # it knows no votes
    config = config.model_copy(update={"model": model, "features": features, "training": training})
    record = read_if_there(home.baseline, Baseline)
    scores = record and (record.alone if is_alone else record.validation)
    value = scores.value_of(stored.config.study.objective) if scores else None
    name = BASELINE_ALONE if is_alone else BASELINE
    return Recipe(name, name, value, config, epochs=1, seeds=(0,))


def _confirmed_epochs(home: StudyHome) -> dict[str, int]:
    """Return trial → the median of the best epochs of its trainings, where it was confirmed."""
    selection = read_if_there(home.selection, Selection)
    candidates = () if selection is None else selection.candidates
    return {candidate.trial: candidate.epochs for candidate in candidates}


def halvings_of(trial: Trial, epochs: int, share: float) -> tuple[int, ...]:
    """Count the halvings of the learning rate that validation had seen before each epoch.

    Args:
        trial: Its curve has the losses of one training or, over folds and seeds, of several: their
            median counts.
        epochs: Of the retraining.
        share: How much of a retraining's epoch a validated one was: 1 where epochs are counted,
            less where optimiser steps are.
    """
    losses: dict[int, list[float]] = {}
    for epoch in trial.curve:
        losses.setdefault(epoch.training, []).append(epoch.metrics["val/loss"])
    before = (int(epoch / share) for epoch in range(epochs))
    return tuple(
        statistics.median_low(n_plateaus(curve[:n]) for curve in losses.values()) for n in before
    )


def default_trial(
    home: StudyHome, stored: study_file.StudyFile, trials: list[Trial]
) -> Trial | None:
    """Return the scored trial of the study's own configuration; None if it failed."""
    scored = [trial for trial in trials if trial.best_epoch is not None and trial.seed is not None]
    return find_default(home, stored.config.experiment(), scored)
