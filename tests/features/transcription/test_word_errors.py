"""Word errors are the fewest edits, summed over utterances before they are divided."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.features.transcription.word_errors import (
    count_edits,
    count_word_errors,
    normalise,
)

SPOKEN = st.lists(st.sampled_from("abc"), max_size=7).map(tuple)


@cache
def distance(reference, recognised):
    """Levenshtein's distance by its definition."""
    if not reference or not recognised:
        return len(reference) + len(recognised)
    return min(
        distance(reference[1:], recognised[1:]) + (reference[0] != recognised[0]),
        distance(reference[1:], recognised) + 1,
        distance(reference, recognised[1:]) + 1,
    )


@given(SPOKEN, SPOKEN)
def test_edits_are_the_fewest_and_add_up(reference, recognised):
    n, substituted, deleted, inserted = count_edits(reference, recognised)
    assert n == substituted + deleted + inserted == distance(reference, recognised)
    assert len(reference) - deleted + inserted == len(recognised)


def test_utterances_are_summed_before_they_are_divided():
    errors = count_word_errors(
        [
            ("one two three four five six seven eight", "one two three four five six seven eight"),
            ("yes", "no way"),
            ("[LAUGHTER]", "ha ha"),
            ("", "nothing was said"),
        ]
    )
    assert (errors.n_utterances, errors.n_words) == (2, 9)
    assert (errors.n_substituted, errors.n_deleted, errors.n_inserted) == (1, 0, 1)
    assert errors.rate == pytest.approx(2 / 9)


def test_a_corpus_without_manual_words_has_no_rate():
    assert count_word_errors([("[BREATHING]", "a"), ("...", "b")]) is None


@pytest.mark.parametrize(
    ("manual", "recognised"),
    [
        ("I DON'T know!", "i don’t know"),
        ("Goin' [LAUGHTER] home, 'cause", "goin home cause"),
        ("Über-morgen?", "über morgen"),
    ],
)
def test_punctuation_case_and_sounds_are_no_errors(manual, recognised):
    assert normalise(manual) == normalise(recognised)
