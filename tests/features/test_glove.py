"""Word vectors from text files."""

import numpy as np
import pytest

from emotion_hpo.errors import FeatureError
from emotion_hpo.features.glove import read_vectors
from emotion_hpo.features.text import Vocabulary

VOCABULARY = Vocabulary(("the", "über", "at", "missing"))
NAN = [np.nan, np.nan]


@pytest.mark.parametrize("header", ["", "5 2\n"])
def test_reads_the_words_wanted(tmp_path, header):
    path = tmp_path / "vectors.txt"
    lines = "the 1 2\nother 0 0\nat name@domain.com 9 9\nüber -3e-1 4\nthe 7 7\nat 5 6\n"
    path.write_text(header + lines, "utf-8")
    matrix = read_vectors(path, VOCABULARY)
    assert matrix.dtype == np.float32
    expected = np.array([NAN, NAN, [1, 2], [-0.3, 4], [5, 6], NAN], np.float32)
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "line 1", id="empty"),
        pytest.param("the\n", "line 1", id="no numbers at all"),
        pytest.param("a 1 2\n\nthe 1 2\n", "line 2", id="blank line"),
        pytest.param("a 1 2\nb 1 2\nthe 1\n", "line 3", id="too few numbers"),
        pytest.param("a 1 2\nthe 1 2 3\n", "line 2", id="too many numbers"),
        pytest.param("a 1 2\nthe 1 x\n", "line 2", id="not a number"),
        pytest.param("3 2\na 1 2\nthe 1 nan\n", "line 3", id="a NaN, below a header"),
    ],
)
def test_names_the_malformed_line(tmp_path, text, message):
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(FeatureError, match=message):
        read_vectors(path, VOCABULARY)


def test_names_a_missing_file(tmp_path):
    with pytest.raises(FeatureError, match=r"nothing\.txt: No such file"):
        read_vectors(tmp_path / "nothing.txt", VOCABULARY)
