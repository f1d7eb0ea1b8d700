"""Turns at use: read together, or one after the other, as in evaluation."""

import json
from dataclasses import replace

import numpy as np
import pytest

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict import Predictor, Utterance
from tests.dialogue_models import make_saved_model, make_utterances
from tests.dialogues import CONTEXTS, make_shelf, make_turns

SHELF = make_shelf((6, 2, 8), seed=1)
TURNS = make_utterances(SHELF)
CLOSE = {"atol": 1e-5, "rtol": 0}


@pytest.fixture(scope="module")
def predictor():
    return Predictor(make_saved_model())


def shuffled(items, seed=0):
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[at] for at in order], order


@pytest.mark.parametrize("reads", ["past", "both"])
@pytest.mark.parametrize("context", CONTEXTS)
def test_new_turns_get_the_answers_of_evaluation(context, reads):
    """Every turn is answered, in whatever order they come."""
    saved_model = make_saved_model(context, reads)
    turns = make_turns(SHELF)
    every = turns.table["emotion"].fillna("ang")
    turns.table["emotion"] = every
    data = saved_model.preprocessor.transform(turns)
    expected = saved_model.probabilities(data).mean(0)
    expected = expected[np.argsort(np.argsort(SHELF.table["utterance_id"]))]
    given, order = shuffled(TURNS)
    np.testing.assert_allclose(Predictor(saved_model)(given), expected[order], **CLOSE)


@pytest.mark.parametrize("context", CONTEXTS)
def test_turn_by_turn_is_as_all_at_once(context):
    predictor = Predictor(make_saved_model(context))
    turns = [*TURNS[8:], Utterance(text="well", dialogue="d2", turn=8)]
    at_once = predictor(turns)
    dialogue = predictor.begin()
    for turn, expected in zip(turns, at_once, strict=True):
        answer, dialogue = predictor.answer_next(
            turn, predictor.begin().continued(dialogue.to_text())
        )
        np.testing.assert_allclose(answer.probabilities, expected, **CLOSE)
    assert len(dialogue.turns) == len(turns)
    alone = predictor([replace(turns[-1], dialogue=None)])[0]
    assert abs(alone - at_once[-1]).max() > 1e-3, "what was said before changes nothing"


def test_a_lone_utterance_is_a_dialogue_of_one_turn(predictor):
    first = predictor([Utterance(text="lost", speaker="A", dialogue="d", turn=3, start_s=9)])
    alone = predictor([Utterance(text="lost")] * 2)
    np.testing.assert_allclose(alone, np.repeat(first, 2, 0), **CLOSE)
    answer, _ = predictor.answer_next(Utterance(text="lost"), predictor.begin())
    np.testing.assert_allclose(answer.probabilities, first[0], **CLOSE)


@pytest.mark.parametrize(
    "broken",
    [
        {"features": {"voice": np.ones(7, np.float32)}},
        {"text": "?!", "features": {}},
        {"features": {"voice": np.full(6, 3e38, np.float32)}},
        {"turn": None},
        {"start_s": 5.0, "end_s": 4.0},
        {"turn": float("inf")},
    ],
    ids=["wrong width", "nothing", "beyond all bounds", "no place", "ends first", "no number"],
)
def test_a_broken_turn_costs_only_itself(predictor, broken):
    turns = [replace(turn, start_s=None, end_s=None) for turn in TURNS[:6]]
    rest = predictor([*turns[:2], *turns[3:]])
    answers = predictor.answer([*turns[:2], replace(turns[2], **broken), *turns[3:]])
    assert isinstance(answers.pop(2), FeatureError)
    np.testing.assert_allclose([answer.probabilities for answer in answers], rest, **CLOSE)


def test_a_dialogue_runs_by_turn_or_by_start(predictor):
    timed = [replace(turn, start_s=3.0 * n, end_s=3.0 * n + 2) for n, turn in enumerate(TURNS[:6])]
    expected = predictor(timed)
    given, order = shuffled([replace(turn, turn=None) for turn in timed])
    np.testing.assert_allclose(predictor(given), expected[order], **CLOSE)
    given[0] = replace(given[0], turn=99)  # of one alone, it orders nothing
    np.testing.assert_allclose(predictor(given), expected[order], **CLOSE)
    answers = predictor.answer([replace(turn, turn=min(turn.turn, 4)) for turn in timed])
    assert [isinstance(answer, FeatureError) for answer in answers] == 4 * [False] + 2 * [True]
    assert str(answers[-1]) == "turn=4 is another's of its dialogue, too"


def test_speakers_that_nobody_names_are_no_one_speaker(predictor):
    turns = [Utterance(text=text, dialogue="d", turn=n) for n, text in enumerate(("stop", "well"))]
    same = predictor([replace(turn, speaker="A") for turn in turns])
    unknown = predictor(turns)
    assert abs(same - unknown)[1].max() > 1e-4


def test_speakers_that_nobody_names_are_scaled_as_one():
    saved_model = make_saved_model()
    preprocessor = saved_model.preprocessor
    readers = {
        name: replace(reader, speakers={"heard": reader.corpus})
        for name, reader in preprocessor.readers.items()
    }
    predictor = Predictor(replace(saved_model, preprocessor=replace(preprocessor, readers=readers)))
    lone = [replace(turn, dialogue=None, speaker="unknown") for turn in TURNS[:4]]
    named = predictor([replace(turn, speaker="Ann") for turn in lone])
    np.testing.assert_allclose(predictor(lone), named, **CLOSE)
    heard = predictor([replace(turn, speaker="heard") for turn in lone])
    assert abs(heard - named).max() > 1e-4


def test_a_broken_turn_is_none_of_a_dialogue_that_goes_on(predictor):
    _, dialogue = predictor.answer_next(
        Utterance(text="stop", start_s=0, end_s=1), predictor.begin()
    )
    late = Utterance(text="well", start_s=3, end_s=2)
    for turn, message in ((Utterance(text="?!"), "nothing that the model"), (late, "end_s=2 is")):
        with pytest.raises(FeatureError, match=message):
            predictor.answer_next(turn, dialogue)


def test_only_a_model_of_the_past_keeps_a_dialogue():
    with pytest.raises(FeatureError, match=r"reads the turns after, too: .*context\.reads=past"):
        Predictor(make_saved_model(reads="both")).begin()
    with pytest.raises(FeatureError, match="reads every utterance alone"):
        Predictor(make_saved_model(None)).begin()


def test_another_models_dialogue_is_refused(predictor):
    _, dialogue = predictor.answer_next(Utterance(text="stop"), predictor.begin())
    other = Predictor(make_saved_model(seed=5))
    with pytest.raises(FeatureError, match="begun with another model"):
        other.begin().continued(dialogue.to_text())


def plain_dialogue(predictor, **changes):
    _, dialogue = predictor.answer_next(Utterance(text="stop"), predictor.begin())
    plain = json.loads(dialogue.to_text())
    plain["turns"][0] |= changes
    return json.dumps(plain)


@pytest.mark.parametrize(
    "changes",
    [
        {"vectors": "AAAA"},
        {"vectors": "%"},
        {"vectors": None},
        {"vectors": "AADAfw==" * 12},
        {"speaker": 5},
        {"start_s": "5"},
        {"end_s": float("nan")},
        {"end_s": 10**400},
    ],
)
def test_what_is_no_dialogue_is_refused(predictor, changes):
    with pytest.raises(FeatureError, match="holds no dialogue of this version"):
        predictor.begin().continued(plain_dialogue(predictor, **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "5", '{"model": "a"}', "[" * 100_000])
def test_what_is_no_text_of_a_dialogue_is_refused(predictor, text):
    with pytest.raises(FeatureError, match="holds no dialogue of this version"):
        predictor.begin().continued(text)


def test_a_model_without_context_reads_no_dialogue():
    predictor = Predictor(make_saved_model(None))
    assert predictor.reads is None
    turns = [replace(turn, turn=None, start_s=None) for turn in TURNS]
    alone = predictor([replace(turn, dialogue=None) for turn in turns])
    np.testing.assert_array_equal(predictor(turns), alone)
