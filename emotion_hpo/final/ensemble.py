"""Which trials make an ensemble, with what weight: chosen on stored validation answers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import combination
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.study import StudyHome, Trial, TrialState

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
    complete = [
        trial for trial in trials if trial.state is TrialState.COMPLETE and trial.value is not None
    ]
    if len(complete) < 2:
        raise StudyError(
            f"an ensemble needs two complete trials, but study {home.name!r} has {len(complete)}"
        )
    sign = find_metric(objective).sign
    ranked = sorted(complete, key=lambda trial: (-sign * (trial.value or 0.0), trial.number))
    if ensemble.rule != "greedy":
        ranked = ranked[: ensemble.n_members]
    paths = [home.trial(trial.number).probabilities for trial in ranked]
    answers, labels = combination.stack_answers(paths)
    metric = objective.removeprefix("val/")
    match ensemble.rule:
        case "greedy":
            weights = combination.greedy_selection(answers, labels, metric)
        case "weighted":
            weights = combination.choose_weights(answers, labels, metric)
        case _:
            weights = np.full(len(ranked), 1 / len(ranked))
    heaviest = np.argsort(-weights, kind="stable")[: ensemble.n_members]
    chosen = sorted(int(member) for member in heaviest if weights[member] > 0)
    if len(chosen) == 1:
        alone = ranked[chosen[0]].name
        raise StudyError(
            f"rule={ensemble.rule} takes {alone} alone: on the validation answers no other trial "
            f"of study {home.name!r} helps it; `make final BEST={alone}` scores it"
        )
    total = float(weights[chosen].sum())
    shares = [float(weights[member]) / total for member in chosen]
    return [ranked[member] for member in chosen], shares
