"""What a holdout is: its recordings, else its words, else its names; never its numbering."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.runtime.contents import Content, merged, name_mark, words_mark

SOUNDS = [np.random.default_rng(seed).bytes(32) for seed in range(4)]


def nearly(sound: bytes, n_bits: int) -> str:
    """A mark that differs in so many of its 256 bits."""
    bits = np.unpackbits(np.frombuffer(sound, np.uint8))
    bits[:n_bits] ^= 1
    return np.packbits(bits).tobytes().hex()


def heard(number: int, **more: str) -> dict[str, str]:
    return {"sound": SOUNDS[number].hex(), "name": f"n{number}", **more}


SAME = [
    # one, other, why
    ({"sound": nearly(SOUNDS[0], 64), "words": "x"}, heard(0, words="y"), "a copy, other words"),
    ({"features.video": "a", "name": "1"}, {"features.video": "a", "name": "2"}, "renamed"),
    ({"sound": nearly(SOUNDS[1], 99), "motion": "m"}, heard(0, motion="m"), "another microphone"),
    ({"words": "a"}, heard(0, words="a"), "one without its recording"),
    ({"words": "a", "features.x": "1"}, {"words": "a", "features.y": "2"}, "other embeddings"),
    ({"name": "a", "features.x": "1"}, {"name": "a", "features.y": "2"}, "nothing else to compare"),
]

DIFFERENT = [
    ({"sound": nearly(SOUNDS[0], 65), "words": "a"}, heard(0, words="a"), "one script, two takes"),
    ({"words": "a", "name": "1"}, {"words": "b", "name": "1"}, "numbered alike"),
    ({"features.x": "1", "name": "1"}, {"features.x": "2", "name": "1"}, "other features"),
    ({"words": "a"}, {"name": "1"}, "nothing in common"),
]


@pytest.mark.parametrize(("one", "other", "why"), SAME)
def test_same(one, other, why):
    for first, second in ((one, other), (other, one)):
        assert Content((first,)).n_shared(Content((heard(3), second))) == 1, why


@pytest.mark.parametrize(("one", "other", "why"), DIFFERENT)
def test_different(one, other, why):
    for first, second in ((one, other), (other, one)):
        assert Content((first,)).n_shared(Content((heard(3), second))) == 0, why


def test_equal_words_count_as_often_as_they_were_scored():
    yes = {"words": words_mark("yes")}
    assert Content((yes,) * 5).n_shared(Content((yes, yes, {"words": "no"}))) == 2


@given(st.permutations([heard(0), heard(1), {"words": "a"}]))
def test_order_does_not_count(utterances):
    plain, shuffled = Content((heard(0), heard(1), {"words": "a"})), Content(tuple(utterances))
    assert shuffled.digest == plain.digest
    assert shuffled.n_shared(plain) == 3
    assert merged([plain, Content((heard(2),))]).digest != plain.digest


def test_words_are_compared_by_letters_and_digits():
    assert words_mark("Oh — NO!  ") == words_mark("oh no") != words_mark("oh now")
    assert words_mark("ＦＵＬＬ width") == words_mark("full width")
    assert words_mark("...?!") is None
    assert name_mark("a", "bc") != name_mark("ab", "c")
