"""The page to try a model: answers, what a modality adds, a dialogue, and what is wrong."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict import Predictor, Utterance
from emotion_hpo.predict.demo.answers import (
    MOST_TURNS,
    add_turn,
    answer_page,
    check_length,
    read_given,
    timeline,
)
from emotion_hpo.predict.demo.examples import write_examples
from emotion_hpo.report.standing import describe_standing
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.final_result import FinalResult
from tests.dialogue_models import make_saved_model
from tests.report.studies import begin, write_final


@pytest.fixture(scope="module")
def predictor(small_saved_model):
    return Predictor(small_saved_model)


@pytest.fixture
def hum(tmp_path):
    path = tmp_path / "a <hum>.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(16_000) / 20), 16_000)
    return path


def shares(page) -> dict[str, str]:
    """Class → probability, as the bars say it."""
    rows = re.findall(r'<div class="row"><b>(.*?)</b>.*?<span>([\d.]+) %', page)
    return dict(rows)


def expected(predictor, utterance) -> dict[str, str]:
    (answer,) = predictor.answer([utterance])
    return {name: f"{100 * share:.2f}" for name, share in
            zip(predictor.classes, answer.probabilities, strict=True)}  # fmt: skip


def test_it_answers_as_predict_does_and_shows_what_words_add(predictor, hum):
    given = {"text": "so good", "speech": str(hum), "mocap": ""}
    samples, rate = soundfile.read(hum, dtype="float32")
    both = Utterance("so good", samples, rate)
    page = answer_page(predictor, given, list(given))
    assert shares(page) == expected(predictor, both)
    assert "Answered from recording, words." in page
    assert "The marks" not in page
    part = answer_page(predictor, given, ["speech", "mocap"])
    assert shares(part) == expected(predictor, replace(both, text=None))
    assert "Answered from recording. The marks show the answer with words, too." in part
    assert len(re.findall("<u ", part)) == len(predictor.classes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"this is text", "is not a WAV file"),
        (None, "the recording has no samples"),
    ],
    ids=["text", "empty"],
)
def test_a_faulty_recording_is_one_line(predictor, hum, content, said):
    if content is None:
        soundfile.write(hum, np.zeros(0), 16_000)
    else:
        hum.write_bytes(content)
    page = answer_page(predictor, {"speech": str(hum)}, ["speech"])
    assert page.count("<div") == 1
    assert "a &lt;hum&gt;.wav" in page
    assert said in page


def test_what_holds_nothing_is_one_line(predictor):
    for given, used in ({"text": " "}, ["text"]), ({"text": "so good"}, []):
        assert "there is nothing to answer" in answer_page(predictor, given, used)


def test_arrays_are_read_too(tmp_path):
    np.save(tmp_path / "voice.npy", np.ones(6))
    utterance = read_given({"features.voice": str(tmp_path / "voice.npy"), "text": "well"})
    assert utterance.features["voice"].tolist() == [1] * 6


def test_a_dialogue_is_a_timeline_of_turns():
    predictor = Predictor(make_saved_model("speaker_recurrent", reads="past"))
    turns, page = add_turn(predictor, [], {"text": "well, stop"}, "Ann")
    turns, page = add_turn(predictor, turns, {"text": "lost <b>"}, "Ben")
    assert page == timeline(predictor, turns)
    assert [turn.speaker for turn in turns] == ["Ann", "Ben"]
    assert page.count('class="turn"') == 2
    assert "lost &lt;b&gt;" in page
    last = predictor.answer(turns)[-1].probabilities
    assert f"{100 * last.max():.0f} %</strong></div>" in page[page.rindex("<strong") :]
    same, faulty = add_turn(predictor, turns, {"text": "?"}, "Ann")
    assert same == turns
    assert 'class="fault"' in faulty
    assert faulty.count('class="turn"') == 2


def test_a_dialogue_too_long_for_the_page_is_one_line():
    predictor = Predictor(make_saved_model("speaker_recurrent", reads="past"))
    turns, _ = add_turn(predictor, [], {"text": "well, stop"}, "Ann")
    check_length(turns * MOST_TURNS)
    long = replace(turns[0], samples=np.zeros(60 * 31), sample_rate_hz=1)
    with pytest.raises(FeatureError, match="last 31 minutes, on this page at most 30: press"):
        check_length([long])
    many = [replace(turns[0], turn=place) for place in range(MOST_TURNS)]
    same, page = add_turn(predictor, many, {"text": "well"}, "Ann")
    assert len(same) == MOST_TURNS
    assert "a dialogue has at most 200 turns on this page: press " in page
    assert page.count('class="fault"') == 1


def test_the_examples_are_the_twins(tmp_path):
    examples = write_examples(tmp_path)
    assert len(examples) >= 2
    assert all(words and soundfile.info(path).frames > 1000 for path, words in examples)


def test_of_a_model_in_a_folder_of_the_root_nothing_is_known():
    standing = describe_standing(Path("/mo<b>dels/model.pt"))
    assert "nobody knows" in standing.score
    assert standing.name == "/mo\\<b\\>dels/model.pt"


def test_names_beside_an_answer_stay_as_they_are(tmp_path):
    home = begin(tmp_path)
    write_final(home)
    odd = {"test_speakers": ("*Ann*", "<i>"), "normalised_by_speaker": ("my_voice",)}
    result = read_record(home.final(0).result, FinalResult).model_copy(update=odd)
    write_record(home.final(0).result, result)
    standing = describe_standing(home.final(0).model)
    assert "utterances of \\*Ann\\*, \\<i\\> (session 5)" in standing.score
    assert any(limit.startswith("my\\_voice: scaled by") for limit in standing.limits)


def test_without_gradio_it_says_how_to_get_it(
    small_saved_model, emotion_hpo, tmp_path, monkeypatch
):
    small_saved_model.save(tmp_path / "model.pt")
    monkeypatch.setitem(sys.modules, "gradio", None)
    ended = emotion_hpo("demo", f"model={tmp_path}", "port=7999")
    assert ended.status == 2
    assert ended.stderr == "emotion-hpo demo: demo needs gradio: pip install 'emotion_hpo[demo]'\n"
