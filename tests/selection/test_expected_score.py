"""What a search promises: read from its files, for the right speakers."""

from dataclasses import replace

import pytest

from emotion_hpo.selection.expected_score import HEARD, NEW, audience, estimate_expected_score
from emotion_hpo.splits.parts import split
from emotion_hpo.study import TrialState, study_file
from emotion_hpo.study.records.search_summary import SearchedScore
from emotion_hpo.study.trials import best_of, read_trials
from tests.pipeline import SMALL, compose_config


@pytest.fixture
def promised(searched, data_module):
    config = study_file.read(searched).config
    return lambda trials: estimate_expected_score(searched, config, data_module.development, trials)


def test_the_winner_is_the_best_trial_and_its_plain_value_the_same(searched, promised):
    trials = read_trials(searched)
    found = promised(trials)
    best = best_of(trials)
    assert found.winner == best.name
    assert found.plain == pytest.approx(best.value)
    assert found.interval.low < found.value < found.interval.high
    assert found.interval.method == "choice repeated"
    assert found.optimism == pytest.approx(found.plain - found.value)
    assert found.n_trials == 2
    assert SearchedScore.from_json(found.to_json()) == found


def test_only_complete_trials_are_chosen_from(searched, promised):
    trials = read_trials(searched)
    best = best_of(trials)
    cut = [replace(one, state=TrialState.PRUNED) if one == best else one for one in trials]
    found = promised(cut)
    assert (found.n_trials, found.winner == best.name) == (1, False)
    assert promised([]) is None


AUDIENCES = [
    ((), HEARD, "training has heard, too (Ses04"),
    (("split=speakers",), NEW, "as far as Ses01F, Ses01M tell"),
    (("split=session",), NEW, "spread between the 4 folds"),
    (("split=loso",), NEW, "spread between the 8 folds"),
]


@pytest.mark.parametrize(("overrides", "holds_for", "said"), AUDIENCES)
def test_it_says_for_whom_it_holds(small_store, overrides, holds_for, said):
    from emotion_hpo.metrics import CorrectedScore
    from emotion_hpo.selection.expected_score import describe_audience

    config = compose_config(*SMALL, *overrides)
    development, _ = split(small_store, config.split)
    heard_or_new, speakers = audience(development)
    assert heard_or_new == holds_for
    assert not any(speaker.startswith("Ses05") for speaker in speakers)
    expected = CorrectedScore(
        winner=0,
        plain=0.7,
        value=0.68,
        half=0.05,
        most=1.0,
        level=0.9,
        n_trials=10,
        n_folds=len(development.folds),
        n_utterances=30,
        n_dialogues=8,
    )
    sentence = describe_audience(config, expected, heard_or_new, speakers)
    assert said in sentence
    assert ("voices never heard" in sentence) == (not overrides)
