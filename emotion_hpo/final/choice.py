"""Which trials a command means: one by name, an ensemble, or the confirmed winner."""

from dataclasses import dataclass

from emotion_hpo.final.plan import Plan, recipe_of
from emotion_hpo.selection.ensemble import Ensemble, members_of
from emotion_hpo.selection.suggestion import ENSEMBLE
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome, Trial
from emotion_hpo.study.records.base import read_if_there
from emotion_hpo.study.records.selection import Selection
from emotion_hpo.study.study_file import StudyFile
from emotion_hpo.study.trials import find, read_trials


@dataclass(frozen=True)
class Choice:
    """Trials with their weights.

    Attributes:
        name: `trial_42` or `ensemble`.
        trials: The members.
        weights: Of each; they sum to 1.
        rule: How their answers are combined; `single` for one.
    """

    name: str
    trials: tuple[Trial, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "single"


def choose(
    home: StudyHome, stored: StudyFile, name: str | int | None, ensemble: Ensemble
) -> Choice:
    """Find the trials that a user means.

    Args:
        home: The study.
        stored: Its configuration.
        name: `trial_42`, `42`, `ensemble`, or None for the confirmed winner, or else the best.
        ensemble: How an ensemble is built, if that is meant.

    Raises:
        StudyError: There is no such trial, or no such ensemble.
    """
    trials, objective = read_trials(home), stored.config.study.objective
    if name == ENSEMBLE:
        members, weights = members_of(home, trials, objective, ensemble)
        return Choice(ENSEMBLE, tuple(members), tuple(weights), ensemble.rule)
    if name in (None, ""):
        selection = read_if_there(home.selection, Selection)
        name = None if selection is None else selection.winner
    trial = find(trials, name, objective)
    return Choice(trial.name, (trial,))


def plan_of(home: StudyHome, stored: StudyFile, choice: Choice, development: Development) -> Plan:
    """Return what is retrained of a choice, and for how long."""
    recipes = tuple(recipe_of(home, stored, trial, development) for trial in choice.trials)
    return Plan(choice.name, recipes, choice.weights, choice.rule)
