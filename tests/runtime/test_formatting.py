"""Shares and times as people read them."""

import pytest

from emotion_hpo.runtime.formatting import format_duration, format_share

DURATIONS = [
    (0, "0 s"),
    (59.4, "59 s"),
    (59.6, "1 min 00 s"),
    (3599.6, "1 h 00 min"),
    (3600 * 100, "100 h 00 min"),
]


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_duration(seconds, words):
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0.00 %"), (1, "100.00 %"), (-0.5, "-50.00 %"), (None, "–")]
)
def test_percent(value, words):
    assert format_share(value) == words
