"""The score expected of a model: read before the holdout opens, compared with the test after."""

import math

from emotion_hpo import metrics
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.evaluation import Probabilities
from emotion_hpo.final.plan import Plan
from emotion_hpo.selection.suggestion import ENSEMBLE
from emotion_hpo.study import StudyHome
from emotion_hpo.study.expected_score import ExpectedScore, list_expected_scores
from emotion_hpo.study.records.base import read_if_there
from emotion_hpo.study.records.final_result import ExpectedAndTest
from emotion_hpo.study.records.search_summary import ExpectedEnsemble, SearchSummary
from emotion_hpo.study.records.selection import Selection


def read_expected_score(home: StudyHome, plan: Plan) -> ExpectedScore | None:
    """Read what is expected of a model: by the confirmation, or else by the search.

    Of an ensemble it is by the search, of the same members with the same weights alone.

    Returns:
        None where nothing is expected of this very model.

    Raises:
        StudyError: `search.json` or `selection.json` cannot be read.
    """
    summary = read_if_there(home.summary, SearchSummary)
    selection = read_if_there(home.selection, Selection)
    ensemble = None if summary is None else summary.ensemble
    if plan.name == ENSEMBLE and (
        ensemble is None or plan.rule != "greedy" or not _is_same(plan, ensemble)
    ):
        return None
    scores = list_expected_scores(summary, selection)
    return next((score for score in scores if score.winner == plan.name), None)


def _is_same(plan: Plan, ensemble: ExpectedEnsemble) -> bool:
    weights = dict(zip((member.name for member in plan.members), plan.weights, strict=True))
    expected = {member.trial: member.weight for member in ensemble.members}
    return weights.keys() == expected.keys() and all(
        math.isclose(weights[name], expected[name], abs_tol=1e-6) for name in weights
    )


def compare_with_test(
    expected: ExpectedScore | None, objective: str, test: Utterances, answers: Probabilities
) -> ExpectedAndTest | None:
    """Return the expected score beside the test's, and whether this lies in its interval."""
    if expected is None:
        return None
    value = metrics.find_metric(objective).score(test.labels, answers)
    ends = expected.interval.ends
    return ExpectedAndTest(
        winner=expected.winner,
        holds_for=expected.holds_for,
        value=expected.value,
        interval=expected.interval,
        test=value,
        is_inside=None if ends is None else ends[0] <= value <= ends[1],
    )
