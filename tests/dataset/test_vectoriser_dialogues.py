"""Rows of numbers of utterances beside the turns of their dialogues."""

import numpy as np
import pytest

from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.vectoriser import Vectoriser, Window
from tests.dialogues import make_config, make_shelf, make_turns

MODALITIES = ("speech", "text", "voice")


@pytest.fixture(scope="module")
def data():
    labelled = make_turns(make_shelf()).labelled()
    features = make_config().features
    fitted = Preprocessor.fit(labelled, features, MODALITIES, as_vectors=True, in_dialogues=True)
    return fitted.transform(labelled)


def dense(vectors):
    return np.hstack([getattr(block, "toarray", lambda b=block: b)() for block in vectors.blocks])


def test_numbers_of_neighbours_are_averaged_and_their_words_joined(data):
    alone = Vectoriser.fit(data, characters=False)
    both = Vectoriser.fit(data, characters=False, window=Window(2, 1))
    turns = alone(data.turns)
    rows, own = both(data), alone(data)
    assert rows.widths == 3 * own.widths
    table = data.turns.utterances.table
    for at, utterance in enumerate(data.utterances.table.itertuples()):
        of_dialogue = (table["dialogue"] == utterance.dialogue).to_numpy()
        for side, distances in ((1, (-2, -1)), (2, (1,))):
            is_beside = np.isin(table["turn"] - utterance.turn, distances) & of_dialogue
            beside = np.flatnonzero(is_beside)
            voice, text = (rows.blocks[side * 3 + index][[at]] for index in (1, 2))
            expected = turns.blocks[1][beside].mean(0) if len(beside) else np.zeros(6)
            assert np.allclose(voice[0], expected, atol=1e-6)
            joined = turns.blocks[2][beside].sum(0) if len(beside) else np.zeros((1, text.shape[1]))
            length = np.linalg.norm(joined)
            assert np.allclose(text.toarray(), joined / (length or 1), atol=1e-6)


def test_what_is_not_read_is_zero(data):
    fitted = Vectoriser.fit(data, characters=False, window=Window(2, 1))
    n_own = sum(fitted(data).widths) // 3
    whole, past, alone = (dense(fitted(data.reading(reads))) for reads in ("all", "past", "alone"))
    assert (alone[:, :n_own] == whole[:, :n_own]).all()
    assert not alone[:, n_own:].any()
    assert (past[:, : 2 * n_own] == whole[:, : 2 * n_own]).all()
    assert not past[:, 2 * n_own :].any()
    assert whole[:, 2 * n_own :].any()


def test_window_is_stored_with_the_words(data):
    fitted = Vectoriser.fit(data, characters=True, window=Window(3, 0))
    again = Vectoriser.load(fitted.state())
    assert (dense(again(data)) == dense(fitted(data))).all()
