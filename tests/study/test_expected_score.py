"""Whose score a study expects: the confirmed winner's first, then that of the search's best."""

from emotion_hpo.metrics import Interval
from emotion_hpo.study.expected_score import ExpectedScore, list_expected_scores
from tests.records import expected, search_summary, selection, span

SEARCHED = search_summary(
    expected=expected(value=0.61, interval=span(0.58, 0.64), winner="trial_0")
)
OF_SEARCH = ExpectedScore("trial_0", "new speakers", 0.61, Interval(**span(0.58, 0.64)))


def test_the_confirmed_score_comes_first():
    confirmed = {"value": 0.6, "interval": span(0.5, 0.7), "optimism": 0.01}
    of_winner = ExpectedScore("trial_3", "new speakers", 0.6, Interval(**span(0.5, 0.7)))
    chosen = selection(winner="trial_3", expected=confirmed)
    assert list_expected_scores(SEARCHED, chosen) == (of_winner, OF_SEARCH)


def test_without_a_confirmed_score_it_is_the_searchs():
    assert list_expected_scores(SEARCHED, None) == (OF_SEARCH,)
    unclear = selection(winner="trial_3", expected=None)
    assert list_expected_scores(SEARCHED, unclear) == (OF_SEARCH,)


def test_without_a_complete_trial_nothing_is_expected():
    assert list_expected_scores(None, None) == ()
    assert list_expected_scores(search_summary(expected=None), None) == ()
