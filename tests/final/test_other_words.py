"""The test with other words is what a study on these words would have read of it."""

from dataclasses import replace

import numpy as np
import pytest

from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.corpus import open_corpus
from emotion_hpo.errors import CorpusError
from emotion_hpo.features.preparation import quiet
from emotion_hpo.features.store import prepare
from emotion_hpo.final.other_words import compare_words, find_other_words
from emotion_hpo.splits.parts import split
from emotion_hpo.study import study_file
from tests.features.pretrained.conftest import minilm
from tests.pipeline import compose_config

__all__ = ["minilm"]

#: Id, speaker, session, dialogue, turn, emotion, words.
ROWS = [
    (f"u{row:02}", f"s{row % 3}", row % 3, f"d{row // 6}", row, ("sad", "glad", "")[row // 3 % 3],
     f"word{row} is what they said")
    for row in range(12)
]  # fmt: skip


@pytest.fixture
def table(tmp_path):
    """Three sessions of dialogues; some turns are context alone, and all have words."""
    path = tmp_path / "table.csv"
    lines = ["utterance_id,speaker,session,dialogue,turn,emotion,transcript"]
    path.write_text("\n".join([*lines, *(",".join(map(str, row)) for row in ROWS), ""]))
    return path


@pytest.fixture
def recognised(tmp_path):
    """Other words of all but one utterance."""
    path = tmp_path / "words.csv"
    path.write_text("\n".join(["id,words", *(f"{row[0]},heard {row[4]}" for row in ROWS[1:]), ""]))
    return path


def studied(table, transcripts):
    """A study whose text is read by MiniLM, with a CSV's words or its own."""
    config = compose_config(
        "study=smoke", "corpus=manifest", f"corpus.table={table}", "split=speakers",
        "split.test_session='2'", "features=minilm", "model=text",
    )  # fmt: skip
    place = None if transcripts is None else str(transcripts)
    return build(SearchConfig, with_value(dump(config), "corpus.transcripts", place))


def sealed(config, folder):
    """The test part, its features extracted from the configured words."""
    corpus = open_corpus(config.corpus)
    return split(prepare(corpus, config.features, folder, 1, quiet), config.split)[1].unseal()


@pytest.mark.parametrize("is_recognised", [True, False])
def test_it_equals_what_is_extracted_from_these_words(
    table, recognised, tmp_path, minilm, is_recognised
):
    own, other = (recognised, None) if is_recognised else (None, recognised)
    config = studied(table, own)
    home = study_file.StudyHome(tmp_path / "studies", "study")
    study_file.write_or_compare(home, config, {}, synthetic=False)
    words = find_other_words(study_file.read(home), other)
    texts = {
        None: "the manual words",
        recognised: f"words of {recognised}, by what is not recorded",
    }
    assert (words.own, words.other) == (texts[own], texts[other])

    test = sealed(config, tmp_path / "features")
    changed = words.put_into(test, "2")
    expected = sealed(studied(table, other), tmp_path / "features")
    assert changed.ids == expected.ids == test.ids
    for seen, true in ((changed, expected), (changed.turns, expected.turns)):
        assert list(seen.table["transcript"]) == list(true.table["transcript"])
        for row in range(len(true)):
            np.testing.assert_allclose(
                seen.sequence("text", row), true.sequence("text", row), atol=1e-5
            )
    assert not np.allclose(changed.sequence("text", 0), test.sequence("text", 0))

    def answers_of(utterances):
        """Right where the words are the study's."""
        is_own = utterances.table["transcript"].equals(test.table["transcript"])
        right = np.eye(2, dtype=np.float32)[utterances.labels]
        return (right if is_own else 1 - right)[None]

    comparison = compare_words(words, "2", test, answers_of)
    assert (comparison.accuracy, comparison.loss_of_accuracy.difference) == (0, 1)
    assert (comparison.own, comparison.other) == (words.own, words.other)


def test_without_other_words_there_is_nothing_to_compare(table, tmp_path):
    config = studied(table, None)
    home = study_file.StudyHome(tmp_path / "studies", "study")
    study_file.write_or_compare(home, config, {}, synthetic=False)
    stored = study_file.read(home)
    assert find_other_words(stored, None) is None
    empty = tmp_path / "empty.csv"
    empty.write_text("id,words\nu00,\n")
    words = find_other_words(stored, empty)
    assert words.put_into(sealed(config, tmp_path / "features"), "2") is None
    with pytest.raises(CorpusError, match=r"gone.csv: No such file"):
        find_other_words(stored, tmp_path / "gone.csv")
    moved = replace(stored, config=studied(table, empty))
    assert find_other_words(moved, empty) is None, "these are its own"
