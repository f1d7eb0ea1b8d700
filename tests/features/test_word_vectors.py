"""Word vectors of a corpus's own words: those that stand beside the same words are alike."""

import numpy as np

from emotion_hpo.features.glove import read_vectors
from emotion_hpo.features.text import Vocabulary, tokenise
from emotion_hpo.features.word_vectors import write_word_vectors


def test_words_in_the_same_company_are_alike_and_glove_reads_them(tmp_path):
    said = [f"the {animal} eats {food}" for animal in ("cat", "dog") for food in ("fish", "meat")]
    said += ["we drive red cars", "we drive blue cars", "we drive fast cars"]
    path = tmp_path / "a" / "vectors.txt"
    write_word_vectors(said, 8, path)
    vocabulary = Vocabulary.fit(map(tokenise, said))
    vectors = read_vectors(path, vocabulary)
    of = {word: vectors[number] for word, number in vocabulary.numbers.items()}

    def likeness(word, other):
        a, b = of[word], of[other]
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))

    assert likeness("cat", "dog") > 0.9
    assert likeness("cat", "dog") > likeness("cat", "red") + 0.5
    before = path.read_bytes()
    write_word_vectors(said, 8, path)
    assert path.read_bytes() == before


def test_more_dimensions_than_words_are_zero(tmp_path):
    write_word_vectors(["a b", "b a"], 5, tmp_path / "vectors.txt")
    vectors = read_vectors(tmp_path / "vectors.txt", Vocabulary(("a", "b")))
    assert vectors.shape[1] == 5
    assert not vectors[-2:, 2:].any()
