"""Which model a command means: a trial, an ensemble, the baseline, or what the search suggested."""

from dataclasses import dataclass

from emotion_hpo.final.plan import Plan, baseline_recipe, recipe_of
from emotion_hpo.selection.ensemble import Ensemble, members_of
from emotion_hpo.selection.suggestion import BASELINE, ENSEMBLE, suggest
from emotion_hpo.splits.parts import Development
from emotion_hpo.study import StudyHome
from emotion_hpo.study.records.base import read_if_there
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection
from emotion_hpo.study.study_file import StudyFile
from emotion_hpo.study.trials import find, read_trials


@dataclass(frozen=True)
class Choice:
    """Models with their weights.

    Attributes:
        name: `trial_42`, `ensemble` or `baseline`.
        members: Names of trials, or `baseline`.
        weights: Of each; they sum to 1.
        rule: How their answers are combined; `single` for one.
        reason: Which model it is, and why this one, as a line for a person.
    """

    name: str
    members: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "single"
    reason: str = ""


def choose(
    home: StudyHome, stored: StudyFile, name: str | int | None, ensemble: Ensemble
) -> Choice:
    """Find the trials that a user means.

    Args:
        home: The study.
        stored: Its configuration.
        name: `trial_42`, `42`, `ensemble`, `baseline`, or None for what the search suggests.
        ensemble: How an ensemble is built, if that is meant.

    Raises:
        StudyError: There is no such trial, or no such ensemble.
    """
    trials, objective = read_trials(home), stored.config.study.objective
    why = "as `best` names it"
    if name in (None, ""):
        name, why = _read_suggestion(home)
    if name == BASELINE:
        return Choice(BASELINE, (BASELINE,), reason=f"Taken is the baseline, {why}.")
    if name == ENSEMBLE:
        members, weights = members_of(home, trials, objective, ensemble)
        reason = f"Taken is the ensemble of {len(members)} models, {why}."
        return Choice(ENSEMBLE, tuple(members), tuple(weights), ensemble.rule, reason)
    trial = find(trials, name, objective)
    return Choice(trial.name, (trial.name,), reason=f"Taken is {trial.name}, {why}.")


def _read_suggestion(home: StudyHome) -> tuple[str | None, str]:
    """Return what the search suggested, and why; the best trial where it has not ended."""
    summary = read_if_there(home.summary, SearchSummary)
    selection = read_if_there(home.selection, Selection)
    suggestion = None if summary is None else suggest(summary, selection)
    if suggestion is not None and suggestion.is_choice:
        why = f"expected to be best: {suggestion.describe_expected()}"
        others = suggestion.describe_others()
        return suggestion.best, f"{why}; {others}" if others else why
    if selection is not None:
        return selection.winner, "the confirmed winner"
    return None, "the best trial of the search so far"


def plan_of(home: StudyHome, stored: StudyFile, choice: Choice, development: Development) -> Plan:
    """Return what is retrained of a choice, and for how long."""
    trials, objective = read_trials(home), stored.config.study.objective
    recipes = (
        baseline_recipe(home, stored, development)
        if name == BASELINE
        else recipe_of(home, stored, find(trials, name, objective), development)
        for name in choice.members
    )
    return Plan(choice.name, tuple(recipes), choice.weights, choice.rule)
