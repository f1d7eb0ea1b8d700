"""What a person sees of the scores of a final model."""

import re

import pytest

from emotion_hpo.console.final import show_final
from tests.console.results import shown_result
from tests.records import of_context


def test_final_figures(capsys):
    show_final(shown_result())
    said = capsys.readouterr()
    assert said.err == ""
    text = said.out
    assert "trial_3 of study quick: 4 epochs on 3838 utterances, seeds 0, 1" in text
    assert "2 speakers (Ses05_F, Ses05_M) (synthetic data)" in text
    assert re.search(r"accuracy +70\.00 % +66\.0 – 74\.0 % +dialogues +1098", text)
    assert re.search(r"recall ang +80\.00 % +70\.0 – 90\.0 % +exact +170", text)
    assert re.search(r"recall fea +– +not estimable +no utterance +0", text)
    assert re.search(r"baseline accuracy +65\.00 % +60\.0 – 70\.0 %", text)
    assert "linear model on text and speech" in text
    assert "the gain is over what these give. It does not read video, which the model does." in text
    assert re.search(r"speaker wears markers: yes +72\.00 % +68\.0 – 76\.0 % +dialogues +500", text)
    assert re.search(r"without text +55\.00 % +50\.0 – 60\.0 %", text)
    assert "expected error 4.1 points, Brier score 0.432" in text
    gain = "+5.00 points of accuracy (+1.0 to +9.0, by dialogues)"
    assert f"Gain over the baseline (text and speech): {gain}" in text
    assert "69.00 % on average over 2 seeds, standard deviation 1.10 points" in text
    interval = "90 % interval 64.00 % – 72.00 %, by choice repeated"
    assert f"Expected before the test: 68.00 % ({interval}) for new speakers;" in text
    assert "the test says 70.00 %: inside." in text
    assert "Scaled by each test speaker" not in text
    assert "31 dialogues" in text
    assert "optimistic" not in text


@pytest.mark.parametrize(("share", "is_busy"), [(None, False), (0.02, False), (0.4, True)])
def test_what_an_utterance_takes_is_said_with_how_busy_the_machine_was(share, is_busy, capsys):
    cost = shown_result().cost.model_copy(
        update={"repeated_ms": 1.25, "first_ms": 9.5, "waiting_share": share}
    )
    show_final(shown_result().model_copy(update={"cost": cost}))
    text = capsys.readouterr().out
    assert "1.2 ms a second time, the first of all 9.5 ms" in text
    assert ("; the machine was busy, 40 % of that was waiting for it." in text) == is_busy


def test_factors_of_words_are_nothing_that_the_baseline_does_not_read(capsys):
    show_final(shown_result(modalities=["speech", "text_factors"]))
    assert "does not read" not in capsys.readouterr().out


def test_more_speakers_than_a_screen_has_room_for_are_counted(capsys):
    names = [f"S{number:02d}" for number in range(40)]
    part = next(iter(shown_result().by["wears_markers"].values()))
    many = shown_result().model_copy(
        update={"test_speakers": tuple(names), "by": {"speaker": dict.fromkeys(names, part)}}
    )
    show_final(many)
    text = capsys.readouterr().out
    assert "40 speakers (S00, S01, S02," in text
    assert "S11 and 28 more)" in text
    assert "By speaker: 40 parts, in result.json." in text
    assert "S12" not in text


def test_parts_that_are_the_whole_are_left_out(capsys):
    part = next(iter(shown_result().by["wears_markers"].values()))
    parts = {"scenario": {"improvised": part}, "speaker": {"ann": part, "bob": part}}
    show_final(shown_result().model_copy(update={"by": parts}))
    text = capsys.readouterr().out
    assert "scenario" not in text
    assert re.search(r"speaker bob +72\.00 %", text)


def test_an_ensemble_is_shown_with_its_members(capsys):
    members = [
        {"trial": "trial_1", "epochs": 17, "weight": 0.75},
        {"trial": "baseline", "epochs": 1, "weight": 0.25},
    ]
    show_final(shown_result(trial="ensemble", members=members, rule="greedy", epochs=None))
    text = capsys.readouterr().out
    assert "ensemble of study quick: 2 models on 3838 utterances, seeds 0, 1" in text
    assert re.search(r"member +weight \(greedy\) +epochs", text)
    assert re.search(r"trial_1 +75\.00 % +17 *\n *baseline +25\.00 % +– ", text)
    assert "(2 trainings, 12,952 weights, 1 thread, cpu)" in text, "one has no network"


def test_a_baseline_has_no_epochs(capsys):
    show_final(shown_result(trial="baseline", epochs=1))
    assert "\nbaseline of study quick: on 3838 utterances, " in capsys.readouterr().out


def test_a_second_scoring_is_said(capsys):
    looks = [
        {"study": "a", "trial": "trial_1", "by": "ann", "at": "2026-01-02", "accuracy": 0.7},
        {"study": "b", "trial": "trial_2", "by": None, "at": "2026-01-03", "accuracy": 0.72},
    ]
    many = {"n_scorings": 2, "scorings": looks, "scorings_spread": 0.0141}
    show_final(shown_result(**many, synthetic=False))
    text = capsys.readouterr().out
    assert "This holdout has been scored 2 times: the score is optimistic." in text
    assert "2026-01-02 by ann: a, trial_1, 70.00 %" in text
    assert "standard deviation): 1.41 points" in text
    assert "synthetic" not in text


def test_utterances_that_were_scored_before_are_said(capsys):
    first = {"holdout": "h", "n_shared": 3, "study": "a", "trial": "trial_1", "at": "2026-01-02"}
    show_final(shown_result(overlaps=[first]))
    said = "3 of its utterances lay in a holdout that was scored before: study a, trial_1, 2026-01"
    assert said in capsys.readouterr().out


def test_scaling_by_the_test_speakers_own_utterances_is_said(capsys):
    show_final(shown_result(normalised_by_speaker=["speech"]))
    assert "Scaled by each test speaker's own utterances, later ones too" in capsys.readouterr().out


@pytest.mark.parametrize("turns_read", ["both", "past"])
def test_what_the_dialogue_is_worth(capsys, turns_read):
    show_final(shown_result(**of_context(turns_read)))
    text = capsys.readouterr().out
    warning = "\nThe model reads the turns after, too: not for live use.\n"
    assert (warning in text) == (turns_read == "both")
    past = re.search(r"the turns before alone +60\.00 % +50\.0 – 70\.0 %", text)
    assert bool(past) == (turns_read == "both")
    assert re.search(r"its dialogue hidden +60\.00 % +50\.0 – 70\.0 %", text)
    assert re.search(r"without context accuracy +64\.00 %", text)
    assert re.search(r"baseline without turns UAR +55\.00 %", text)
    assert re.search(r"turn of its dialogue: 2-5 +60\.00 % .* 40", text)
    points = "points of accuracy (-2.0 to +14.0, by dialogues)"
    assert f"without context, trained for it: +6.00 {points}" in text
    assert "Gain over the baseline without the turns before: +15.00 points" in text
    assert "Gain over itself with its dialogue hidden: +10.00 points" in text
    assert "linear model on text and speech, the turns before read beside each, fitted" in text


def test_a_model_that_reads_no_turns_says_nothing_of_them(capsys):
    show_final(shown_result())
    assert not re.search(r"dialogue hidden|without context|turns|live use", capsys.readouterr().out)
