"""What a person sees: lines in a plain log, a table on a terminal, results on standard output."""

import re
from types import SimpleNamespace

import pytest

from emotion_hpo.console import output as screen
from emotion_hpo.console.final import show_final, show_nested
from emotion_hpo.console.output import echo, note, preparing, retraining
from emotion_hpo.metrics import Interval
from emotion_hpo.runtime.formatting import format_duration, format_share


@pytest.mark.parametrize("line", ["a [b] c", "/data/[2024]/x.wav", "[/]", "[bold]", "ä ✓ –", ""])
def test_words_are_printed_as_they_are(capsys, line):
    echo(line)
    note(line)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{line}\n", f"{line}\n")


def test_long_lines_are_not_broken(capsys):
    """A path that is cut in two cannot be copied."""
    path = "/data/" + "x" * 300
    echo(path)
    note(path)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{path}\n", f"{path}\n")


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


class TestProgress:
    def test_plain_preparation_tells_now_and_then_and_the_end(self, capsys, monkeypatch):
        times = iter([10.0, 10.0, 12.0, 20.0, 20.0, 21.0, 21.0, 21.0])
        monkeypatch.setattr(screen, "time", SimpleNamespace(monotonic=lambda: next(times)))
        with preparing("Preparing twin") as on_progress:
            for done, what in ((1, "one"), (2, "two"), (3, "three"), (4, "four")):
                on_progress(done, 4, what)
        assert capsys.readouterr().err.splitlines() == [
            "Preparing twin: one 1/4",
            "Preparing twin: three 3/4",
            "Preparing twin: four 4/4",
        ]

    def test_nothing_to_prepare_says_nothing(self, capsys):
        with preparing("Preparing twin"):
            pass
        assert capsys.readouterr() == ("", "")

    def test_a_terminal_shows_at_once_that_something_is_done(self, terminal):
        """A corpus is read for a while before its first dialogue is."""
        with preparing("Preparing twin"):
            assert "Preparing twin" in terminal.getvalue()

    def test_live_preparation(self, terminal):
        with preparing("Preparing twin") as on_progress:
            on_progress(3, 8, "Ses01F_impro01")
        assert "Preparing twin: Ses01F_impro01" in terminal.getvalue()
        assert "3/8" in terminal.getvalue()

    def test_plain_retraining_tells_every_epoch(self, capsys):
        with retraining() as show:
            show(0, 0, 3)
            show(0, 1, 3)
            show(1, 3, 3)
        assert capsys.readouterr().err.splitlines() == [
            "Retraining: training 1, epoch 1/3",
            "Retraining: training 2, epoch 3/3",
        ]

    def test_live_retraining(self, terminal):
        with retraining() as show:
            show(1, 2, 3)
        assert "Retraining: training 2, epoch 2/3" in terminal.getvalue()


def span(low, high):
    """An interval as `result.json` has it."""
    return Interval((low + high) / 2, low, high).as_json()


RESULT = {
    "study": "quick",
    "trial": "trial_3",
    "synthetic": True,
    "epochs": 4,
    "n_train": 3838,
    "n_test": 1098,
    "seeds": [0, 1],
    "test_session": "5",
    "test_speakers": ["Ses05_F", "Ses05_M"],
    "accuracy": 0.7,
    "accuracy_interval": span(0.66, 0.74),
    "uar": 0.71,
    "uar_interval": span(0.67, 0.75),
    "macro_f1": 0.69,
    "macro_f1_interval": span(0.65, 0.73),
    "recall_by_class": {
        "ang": {
            "recall": 0.8,
            "interval": Interval(0.8, 0.7, 0.9, method="exact").as_json(),
            "n": 170,
        },
        "fea": {
            "recall": None,
            "interval": Interval.not_estimable("no utterance").as_json(),
            "n": 0,
        },
    },
    "baseline": {
        "parts": ["text", "speech"],
        "accuracy": 0.65,
        "accuracy_interval": span(0.6, 0.7),
        "uar": 0.64,
        "uar_interval": span(0.59, 0.69),
        "gain": {
            "accuracy": {
                "difference": 0.05,
                "interval": Interval(0.05, 0.01, 0.09).as_json(),
                "mcnemar_p": 0.0123,
            },
        },
    },
    "default": None,
    "calibration": {"ece": 0.041, "brier": 0.4321, "reliability": []},
    "accuracy_mean": 0.69,
    "accuracy_spread": 0.011,
    "by": {
        "wears_markers": {
            "yes": {
                "n": 500,
                "accuracy": 0.72,
                "accuracy_interval": span(0.68, 0.76),
                "uar": 0.7,
            }
        },
    },
    "without": {
        "text": {"accuracy": 0.55, "uar": 0.5, "accuracy_interval": span(0.5, 0.6)},
    },
    "modalities": ["speech", "text", "video"],
    "validation": {"objective": "val/accuracy", "value": 0.7},
    "normalised_by_speaker": [],
    "expected": {
        "value": 0.68,
        "interval": Interval(0.68, 0.64, 0.72, 0.9, "choice repeated").as_json(),
        "holds_for": "new speakers",
        "test": 0.7,
        "is_inside": True,
    },
    "cost": {
        "n_networks": 2,
        "n_parameters": 12_952,
        "latency_ms": 3.14159,
        "n_threads": 1,
        "device": "cpu",
        "n_timed": 50,
    },
    "paper_protocol": None,
    "n_dialogues": 31,
    "n_scorings": 1,
    "scorings": [],
    "scorings_spread": None,
    "overlaps": [],
}


def test_final_figures(capsys):
    show_final(RESULT)
    said = capsys.readouterr()
    assert said.err == ""
    text = said.out
    assert "trial_3 of study quick: 4 epochs on 3838 utterances, seeds 0, 1" in text
    assert "2 speakers (Ses05_F, Ses05_M) (synthetic data)" in text
    assert re.search(r"accuracy +70\.00 % +66\.0 – 74\.0 % +dialogues +1098", text)
    assert re.search(r"recall ang +80\.00 % +70\.0 – 90\.0 % +exact +170", text)
    assert re.search(r"recall fea +– +not estimable +no utterance +0", text)
    assert re.search(r"baseline accuracy +65\.00 % +60\.0 – 70\.0 %", text)
    assert "logistic regression on text and speech" in text
    assert "the gain is over what these give. It does not read video, which the model does." in text
    assert re.search(r"speaker wears markers: yes +72\.00 % +68\.0 – 76\.0 % +dialogues +500", text)
    assert re.search(r"without text +55\.00 % +50\.0 – 60\.0 %", text)
    assert "expected error 4.1 points, Brier score 0.432" in text
    assert (
        "Gain over the baseline (text and speech): +5.00 points of accuracy (+1.0 to +9.0, "
        "by dialogues)" in text
    )
    assert "69.00 % on average over 2 seeds, standard deviation 1.10 points" in text
    assert "promised 68.00 % (90 % interval 64.00 % – 72.00 %, by choice repeated) for" in text
    assert "for new speakers; the test says 70.00 %: inside." in text
    assert "Scaled by each test speaker" not in text
    assert "31 dialogues" in text
    assert "optimistic" not in text


def test_what_older_versions_stored_is_shown(capsys):
    sure = {"recall": 1.0, "interval": [1.0, 1.0], "by_utterance": True, "n": 10}
    show_final({**RESULT, "recall_by_class": {"ang": sure}, "uar_interval": [0.6, 0.8]})
    text = capsys.readouterr().out
    assert re.search(r"UAR +71\.00 % +60\.0 – 80\.0 % +older version", text)
    assert re.search(r"recall ang +100\.00 % +not estimable +older version: a point", text)


def test_a_second_scoring_is_said(capsys):
    looks = [
        {"study": "a", "trial": "trial_1", "by": "ann", "at": "2026-01-02", "accuracy": 0.7},
        {"study": "b", "trial": "trial_2", "by": None, "at": "2026-01-03", "accuracy": 0.72},
    ]
    many = {"n_scorings": 2, "scorings": looks, "scorings_spread": 0.0141}
    show_final({**RESULT, **many, "synthetic": False})
    text = capsys.readouterr().out
    assert "This holdout has been scored 2 times: the figure is optimistic." in text
    assert "2026-01-02 by ann: a, trial_1, 70.00 %" in text
    assert "standard deviation): 1.41 points" in text
    assert "synthetic" not in text


def test_utterances_that_were_scored_before_are_said(capsys):
    first = {"n_shared": 3, "study": "a", "trial": "trial_1", "at": "2026-01-02"}
    show_final({**RESULT, "overlaps": [first]})
    said = "3 of its utterances lay in a holdout that was scored before: study a, trial_1, 2026-01"
    assert said in capsys.readouterr().out


def test_scaling_by_the_test_speakers_own_utterances_is_said(capsys):
    show_final({**RESULT, "normalised_by_speaker": ["speech"]})
    assert "Scaled by each test speaker's own utterances" in capsys.readouterr().out


#: Names that rich, a terminal or a template would take for something of their own.
ODD = ["[/sad]", "[happy]", ":smile:", "ang&fru", "{neu}", "100% 中性 😀", "n" * 60]


def unbroken(text):
    """Cells of a table, however they are spaced."""
    return text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("name", ODD)
def test_names_are_shown_as_they_are(capsys, monkeypatch, name):
    """Of classes, speakers, sessions and modalities, in every table and line."""
    monkeypatch.setenv("COLUMNS", "200")
    part = RESULT["by"]["wears_markers"]["yes"]
    show_final(
        {
            **RESULT,
            "study": name,
            "test_session": name,
            "test_speakers": [name],
            "recall_by_class": {name: RESULT["recall_by_class"]["ang"] | {"by_utterance": True}},
            "by": {"speaker": {name: part}, "scenario": {f"{name}2": part}},
            "without": {name: {"accuracy": 0.55, "uar": 0.5}},
        }
    )
    out = unbroken(capsys.readouterr().out)
    for words in (f"recall {name}", f"speaker {name}", f"scenario {name}2", f"without {name}"):
        assert unbroken(words) in out
    show_nested(
        {
            "study": "s", "synthetic": False, "gain": {"baseline": None, "default": None},
            "sessions": [{"test_session": name, "trial": "trial_1", "accuracy": 0.5, "uar": 0.5,
                          "n_test": 9}],
            "accuracy": {"mean": 0.5, "spread": 0.1, "interval": [0.4, 0.6]},
            "uar": {"mean": 0.5, "spread": 0.1, "interval": [0.4, 0.6]},
        }
    )  # fmt: skip
    assert unbroken(name) in unbroken(capsys.readouterr().out)
    screen.show_answer({name: 0.9, f"{name}2": 0.1}, synthetic=False)
    assert unbroken(name) in unbroken(capsys.readouterr().out)
    show_corpus_of(name)
    assert unbroken(capsys.readouterr().out).count(unbroken(name)) == 5


def show_corpus_of(name):
    screen.show_corpus(
        {
            "corpus": "manifest", "synthetic": False, "n_utterances": 3,
            "n_by_session_emotion": {f"{name}1": {f"{name}2": 3}},
            "n_by_modality": {"text": 3}, "missing": {}, "motion_lost": {}, "n_words": 9,
            "durations": {"hours": None}, "n_word_types": 4, "seconds": 1, "peak_memory_mb": 9,
            "words_without_vectors": {"n_types": 1, "n_words": 1, "first": [name]},
            "remarks": [f"2 of {name}"], "faults": {"bad": {"n": 1, "first": [f"{name}.wav"]}},
        }
    )  # fmt: skip


def test_a_live_display_shows_names_as_they_are(terminal):
    with preparing("Preparing") as on_progress:
        on_progress(1, 2, "session [/x]: [dialogue] :smile:")
    assert "Preparing: session [/x]: [dialogue] :smile:" in terminal.getvalue()
