"""Which models make an ensemble, with what weight: chosen on stored validation answers alone.

A study's trials, and its baseline: it errs differently from networks, and costs seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import combination, find_metric
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.study import StudyHome, Trial, TrialHome
from emotion_hpo.study.records.base import read_if_there
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.trials import rank_trials

#: Of the best trials: Caruana, Munson and Niculescu-Mizil, "Getting the most out of ensemble
#: selection", ICDM 2006, drop the worst as well, for each is one more to fit the answers by luck.
_MOST = 200

#: How trials are combined: Caruana's greedy selection, or a rule over the best of them.
Rule = Literal["greedy", "average", "weighted", "maximum_confidence"]


@dataclass(frozen=True)
class Ensemble:
    """How an ensemble is to be built.

    Attributes:
        rule: How its members are chosen and combined.
        n_members: At most so many: each is retrained from every seed.
    """

    rule: Rule = "greedy"
    n_members: int = 5


@dataclass(frozen=True)
class Candidate:
    """A model that may be a member.

    Attributes:
        name: `trial_42` or `baseline`.
        value: Of the objective on validation.
        answers: File of its validation probabilities.
        trial: None where it is the baseline.
    """

    name: str
    value: float
    answers: Path
    trial: Trial | None


def members_of(
    home: StudyHome, trials: Sequence[Trial], objective: str, ensemble: Ensemble
) -> tuple[list[str], list[float]]:
    """Choose the members of an ensemble; return their names and weights, which sum to 1.

    Raises:
        StudyError: There is no complete trial, files do not fit together, or one of the models is
            better alone than with any other.
    """
    ranked = candidates_of(home, trials, objective)
    if len(ranked) < 2:
        raise StudyError(
            "an ensemble needs two models with stored answers, but study "
            f"{home.name!r} has {len(ranked)}"
        )
    weights = weights_of(ranked, objective, ensemble)
    chosen = [int(member) for member in np.flatnonzero(weights)]
    if len(chosen) == 1:
        alone = ranked[chosen[0]].name
        raise StudyError(
            f"rule={ensemble.rule} takes {alone} alone: on the validation answers no other model "
            f"of study {home.name!r} helps it; `make final BEST={alone}` scores it"
        )
    names = [ranked[member].name for member in chosen]
    return names, [float(weights[member]) for member in chosen]


def candidates_of(home: StudyHome, trials: Sequence[Trial], objective: str) -> list[Candidate]:
    """Return the models that may be members, the best one first; none without a complete trial."""
    candidates = [
        Candidate(trial.name, trial.value, home.trial(trial.number).probabilities, trial)
        for trial in rank_trials(trials, objective)[:_MOST]
        if trial.value is not None and _has_answers(home.trial(trial.number))
    ]
    baseline = read_if_there(home.baseline, Baseline)
    value = None if baseline is None else baseline.validation.value_of(objective)
    if candidates and value is not None and home.baseline_probabilities.exists():
        candidates.append(Candidate(BASELINE, value, home.baseline_probabilities, None))
    sign = find_metric(objective).sign
    return sorted(candidates, key=lambda candidate: -sign * candidate.value)


def _has_answers(files: TrialHome) -> bool:
    """Return whether a trial's answers are there, at its best epoch and at every one."""
    return files.probabilities.exists() and files.every_epoch.exists()


def weights_of(
    ranked: Sequence[Candidate], objective: str, ensemble: Ensemble
) -> NDArray[np.float64]:
    """Return the weight of each of some models in the ensemble, of most of them 0.

    Raises:
        StudyError: Their files do not fit together.
    """
    tried = ranked if ensemble.rule == "greedy" else ranked[: ensemble.n_members]
    answers, labels = combination.stack_answers([candidate.answers for candidate in tried])
    metric = objective.removeprefix("val/")
    match ensemble.rule:
        case "greedy":
            weights = combination.greedy_selection(answers, labels, metric)
        case "weighted":
            weights = combination.choose_weights(answers, labels, metric)
        case _:
            weights = np.full(len(tried), 1 / len(tried))
    shares = np.zeros(len(ranked))
    shares[: len(weights)] = combination.heaviest(weights, ensemble.n_members)
    return shares
