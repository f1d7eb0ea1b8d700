"""Dialogues in requests: all turns of one at once, or one after the other with their state."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from emotion_hpo.predict import Predictor
from emotion_hpo.predict.saved_model import SavedEnsemble
from emotion_hpo.tracking.serving import serving_app
from tests.dialogue_models import make_saved_model, make_utterances
from tests.dialogues import make_shelf

CLOSE = {"atol": 1e-5, "rtol": 0}
TURNS = make_utterances(make_shelf((4,), seed=3))
CLASSES = ("ang", "neu", "sad")


def serve(saved_model, folder):
    """A function that sends rows to a server of the model: status, and answers or message."""
    saved_model.save(folder / "model.pt")
    app = serving_app(folder / "model.pt")

    def ask(rows, form="dataframe_records"):
        body, sent = json.dumps({form: rows}).encode(), []
        scope = {
            "type": "http", "method": "POST", "path": "/invocations", "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }  # fmt: skip

        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        content = json.loads(b"".join(message.get("body", b"") for message in sent))
        return sent[0]["status"], content.get("predictions", content.get("message"))

    return ask


def row_of(said, **more):
    features = {f"features.{name}": values.tolist() for name, values in said.features.items()}
    spoken = {name: getattr(said, name) for name in ("text", "speaker", "start_s", "end_s")}
    return {
        **{key: value for key, value in spoken.items() if value is not None},
        **features,
        **more,
    }


def shares(answers):
    return [[answer[name] for name in CLASSES] for answer in answers]


@pytest.fixture(scope="module")
def expected():
    return Predictor(make_saved_model())(TURNS)


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    return serve(make_saved_model(), tmp_path_factory.mktemp("past"))


def test_a_list_of_turns_is_read_together(ask, expected):
    rows = [row_of(turn, dialogue=3, turn=turn.turn) for turn in TURNS[::-1]]
    lone = {"text": "lost", "speaker": None}
    for form in ("dataframe_records", "instances"):
        status, answers = ask([*rows, lone], form)
        assert status == 200, answers
        np.testing.assert_allclose(shares(answers)[3::-1], expected, **CLOSE)
        assert set(answers[0]) == {*CLASSES}
    np.testing.assert_allclose(shares(answers)[4:], shares(ask([lone])[1]), **CLOSE)


def test_sessions_and_empty_names_part_dialogues_as_in_a_table(ask, expected):
    again = [row_of(turn, dialogue="d", turn=turn.turn) for turn in TURNS]
    status, answers = ask([{**row, "session": session} for row in again for session in "ab"])
    assert status == 200, answers
    np.testing.assert_allclose(shares(answers[::2]), expected, **CLOSE)
    np.testing.assert_allclose(shares(answers[1::2]), expected, **CLOSE)
    lone = [row_of(turn) for turn in TURNS]
    empty = [row | {"dialogue": "", "turn": place} for place, row in enumerate(lone)]
    np.testing.assert_allclose(shares(ask(empty)[1]), shares(ask(lone)[1]), **CLOSE)


def test_the_state_goes_out_and_in(ask, expected):
    """Two dialogues at once; the server knows of neither."""
    states = ["", ""]
    for place, turn in enumerate(TURNS):
        status, answers = ask([row_of(turn, state=state) for state in states])
        assert status == 200, answers
        np.testing.assert_allclose(shares(answers), expected[[place, place]], **CLOSE)
        states = [answer["state"] for answer in answers]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "a", "dialogue": "d"}], "utterance 0: it is a turn of a dialogue, but has no"),
        ([{"text": "a", "dialogue": "d", "turn": "1"}], "utterance 0: turn must be a number"),
        ([{"text": "a", "dialogue": "d", "turn": True}], "utterance 0: turn must be a number"),
        ([{"text": "a", "dialogue": "d", "turn": 10**400}], "utterance 0: turn must be a number"),
        ([{"text": "a", "state": "{}"}], "utterance 0: it holds no dialogue of this version"),
        ([{"text": "a", "state": 5}], "utterance 0: where a request goes on with dialogues"),
        ([{"text": "a", "state": ""}, {"text": "b"}], "utterance 1: where a request goes on"),
        ([{"text": "a", "state": "", "dialogue": "d"}], "none has a dialogue"),
        ([{"text": "?!", "state": ""}], "utterance 0: there is nothing that the model uses"),
        ([{"text": "a", "mood": "x"}], "the model takes no column 'mood'"),
    ],
)
def test_what_cannot_be_used_is_refused(ask, rows, message):
    status, said = ask(rows)
    assert (status, message in said) == (400, True), said
    assert ask([{"text": "lost"}])[0] == 200


def test_who_reads_what_follows_or_nothing_keeps_no_state(tmp_path):
    both = serve(make_saved_model(reads="both"), tmp_path)
    status, said = both([{"text": "a", "state": ""}])
    assert (status, "give all turns at once" in said) == (400, True)
    rows = [row_of(turn, dialogue="d", turn=turn.turn) for turn in TURNS]
    assert both(rows)[0] == 200
    alone = serve(make_saved_model(None), tmp_path)
    status, said = alone([{"text": "a", "dialogue": "d"}])
    assert (status, "no column 'dialogue': it reads every utterance alone" in said) == (400, True)
    assert alone([{"text": "a"}])[0] == 200


def test_who_speaks_is_asked_where_a_scale_looks_at_it(tmp_path):
    """Of an ensemble it is enough that one member does."""
    first, second = make_saved_model(None), make_saved_model(None, seed=5)
    preprocessor = first.preprocessor
    readers = {name: replace(reader, speakers={}) for name, reader in preprocessor.readers.items()}
    first = replace(first, preprocessor=replace(preprocessor, readers=readers))
    ensemble = SavedEnsemble((first, second), (0.6, 0.4), "greedy")
    ask = serve(ensemble, tmp_path)
    turns = [replace(turn, speaker=name) for turn, name in zip(TURNS, "ABAB", strict=True)]
    status, answers = ask([row_of(replace(turn, start_s=None, end_s=None)) for turn in turns])
    assert status == 200, answers
    np.testing.assert_allclose(shares(answers), Predictor(ensemble)(turns), atol=1e-6)
    unnamed = Predictor(ensemble)([replace(turn, speaker="unknown") for turn in turns])
    assert abs(unnamed - shares(answers)).max() > 1e-4
    status, said = ask([{"text": "a", "dialogue": "d"}])
    assert (status, "no column 'dialogue': it reads every utterance alone" in said) == (400, True)
