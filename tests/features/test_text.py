"""Words of transcripts, and their numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_hpo.features.text import PADDING, UNKNOWN, Vocabulary, tokenise

TRANSCRIPTS = [
    ("", []),
    ("   \t\n", []),
    ("Hello, world!", ["hello", "world"]),
    ("I don't know.", ["i", "don't", "know"]),
    ("I don’t know.", ["i", "don't", "know"]),
    ("goin' 'cause it's", ["goin'", "'cause", "it's"]),
    ("' '' '''", []),
    ("[LAUGHTER] Oh no [BREATHING].", ["[laughter]", "oh", "no", "[breathing]"]),
    ("well[LAUGHTER]then", ["well", "[laughter]", "then"]),
    ("[ Loud  noise! ]", ["[loud_noise]"]),
    ("[] [...] [a", ["a"]),
    ("yes--no—maybe…so", ["yes", "no", "maybe", "so"]),
    ("at 9:30, $5_000", ["at", "9", "30", "5", "000"]),
    ("ÜBER den Fluß, schön", ["über", "den", "fluß", "schön"]),
    ("u\u0308ber", ["über"]),
    ("Привет, мир", ["привет", "мир"]),
    ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
]


@pytest.mark.parametrize(("transcript", "words"), TRANSCRIPTS)
def test_tokenise(transcript, words):
    assert tokenise(transcript) == words


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_tokenise_is_idempotent(transcript):
    words = tokenise(transcript)
    assert tokenise(" ".join(words)) == words


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_tokenise_knows_no_context(one, other):
    if not set("[]") & set(one + other):
        assert tokenise(f"{one} | {other}") == tokenise(one) + tokenise(other)


UTTERANCES = [["b", "a", "b"], ["c", "b", "a"], ["ü"]]


@pytest.mark.parametrize(
    ("min_count", "words"),
    [(1, ("b", "a", "c", "ü")), (2, ("b", "a")), (3, ("b",)), (4, ())],
)
def test_fit_orders_by_count_then_alphabet(min_count, words):
    assert Vocabulary.fit(UTTERANCES, min_count).words == words
    assert Vocabulary.fit(UTTERANCES[::-1], min_count).words == words


def test_encode():
    vocabulary = Vocabulary.fit(UTTERANCES)
    encoded = vocabulary.encode(["ü", "never", "b"])
    assert encoded.dtype == np.int64
    assert encoded.tolist() == [5, UNKNOWN, 2]
    assert vocabulary.encode([]).shape == (0,)
    assert len(vocabulary) == 6


@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=8), max_size=8), st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_numbers_are_never_padding_and_within_the_vocabulary(utterances, min_count):
    vocabulary = Vocabulary.fit(utterances, min_count)
    for words in utterances:
        encoded = vocabulary.encode(words)
        assert len(encoded) == len(words)
        assert ((encoded > PADDING) & (encoded < len(vocabulary))).all()


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("What?", ["what", "?"]),
        ("No!!! NO!", ["no", "!!", "no", "!"]),
        ("You what?!?", ["you", "what", "?!"]),
        ("Well... I… don't know.", ["well", "...", "i", "...", "don't", "know"]),
        ("何？ Ya！", ["何", "?", "ya", "!"]),
        ("[LAUGHTER!] ...", ["[laughter]", "..."]),
        ("?!", ["?!"]),
        ("3.5, e.g. a, b; c", ["3", "5", "e", "g", "a", "b", "c"]),
    ],
)
def test_marks_are_tokens_where_they_are_wanted(transcript, expected):
    assert tokenise(transcript, marks=True) == expected
    is_word = [any(c.isalnum() for c in token) for token in expected]
    words = [token for token, is_word in zip(expected, is_word, strict=True) if is_word]
    assert tokenise(transcript) == words
