"""Which trials make an ensemble, with what weight: chosen on stored validation answers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import combination
from emotion_hpo.study import StudyHome, Trial
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


def members_of(
    home: StudyHome, trials: Sequence[Trial], objective: str, ensemble: Ensemble
) -> tuple[list[Trial], list[float]]:
    """Choose the members of an ensemble; return them and their weights, which sum to 1.

    Raises:
        StudyError: There are fewer than two complete trials, their files do not fit together, or
            one of them is better alone than with any other.
    """
    ranked = candidates_of(trials, objective)
    if len(ranked) < 2:
        raise StudyError(
            f"an ensemble needs two complete trials, but study {home.name!r} has {len(ranked)}"
        )
    weights = weights_of(home, ranked, objective, ensemble)
    chosen = [int(member) for member in np.flatnonzero(weights)]
    if len(chosen) == 1:
        alone = ranked[chosen[0]].name
        raise StudyError(
            f"rule={ensemble.rule} takes {alone} alone: on the validation answers no other trial "
            f"of study {home.name!r} helps it; `make final BEST={alone}` scores it"
        )
    return [ranked[member] for member in chosen], [float(weights[member]) for member in chosen]


def candidates_of(trials: Sequence[Trial], objective: str) -> list[Trial]:
    """Return the trials that may be members, the best one first."""
    return rank_trials(trials, objective)[:_MOST]


def weights_of(
    home: StudyHome, ranked: Sequence[Trial], objective: str, ensemble: Ensemble
) -> NDArray[np.float64]:
    """Return the weight of each of some trials in the ensemble, of most of them 0.

    Raises:
        StudyError: Their files do not fit together.
    """
    tried = ranked if ensemble.rule == "greedy" else ranked[: ensemble.n_members]
    paths = [home.trial(trial.number).probabilities for trial in tried]
    answers, labels = combination.stack_answers(paths)
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
