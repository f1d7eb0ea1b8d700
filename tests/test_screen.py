"""What a person sees: lines in a plain log, a table on a terminal, results on standard output."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from emotion_hpo import screen
from emotion_hpo.records import Epoch, Trial, TrialState
from emotion_hpo.screen import SearchScreen, duration, note, percent, preparing, retraining, say

COMPLETE, RUNNING, WAITING = TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING


def epochs(*accuracies: float) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(n, {"val/accuracy": one}, 2.0, 0.0) for n, one in enumerate(accuracies, start=1)
    )


TRIALS = [
    Trial(0, COMPLETE, value=0.6, best_epoch=2, curve=epochs(0.5, 0.6, 0.55)),
    Trial(1, TrialState.PRUNED, value=0.4, best_epoch=1, curve=epochs(0.4)),
    Trial(2, TrialState.FAILED, reason="a loss of nan [/] at batch 3"),
    Trial(3, RUNNING, worker="worker_1", curve=epochs(0.61, 0.58)),
    Trial(4, RUNNING, worker="worker_0"),
    Trial(5, WAITING),
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 100 columns without colours, in the place of standard error."""
    seen = io.StringIO()

    def console(**_options) -> Console:
        return Console(
            file=seen, force_terminal=True, width=100, color_system=None, legacy_windows=False
        )

    monkeypatch.setattr(screen, "Console", console)
    return seen


def shown(view: SearchScreen, trials, best, message="") -> str:
    """The table of a search as text."""
    out = io.StringIO()
    Console(file=out, width=100, color_system=None).print(view._table(trials, best, message))
    return out.getvalue()


@pytest.mark.parametrize("line", ["a [b] c", "/data/[2024]/x.wav", "[/]", "[bold]", "ä ✓ –", ""])
def test_words_are_printed_as_they_are(capsys, line):
    say(line)
    note(line)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{line}\n", f"{line}\n")


def test_long_lines_are_not_broken(capsys):
    """A path that is cut in two cannot be copied."""
    path = "/data/" + "x" * 300
    say(path)
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
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0.00 %"), (1, "100.00 %"), (-0.5, "-50.00 %"), (None, "–")]
)
def test_percent(value, words):
    assert percent(value) == words


class TestPlainSearch:
    """Standard error is a file: a line a trial, once."""

    def view(self, before=()):
        return SearchScreen("quick", 4, 6, before, synthetic=True)

    def test_each_end_is_told_once(self, capsys):
        with self.view() as view:
            view.show(TRIALS[3:], None)
            view.show([*TRIALS[:1], *TRIALS[3:]], TRIALS[0])
            view.show(TRIALS, TRIALS[0], "stopping")
            view.show(TRIALS, TRIALS[0])
        said = capsys.readouterr()
        lines = [re.sub(r", about .* left", "", line) for line in said.err.splitlines()]
        assert said.out == ""
        assert lines == [
            "[1/4] trial_0 complete 60.00 % at epoch 2/3, 6 s; best trial_0 60.00 %",
            "[3/4] trial_1 pruned 40.00 % at epoch 1/1, 2 s; best trial_0 60.00 %",
            "[3/4] trial_2 failed: a loss of nan [/] at batch 3, 0 s; best trial_0 60.00 %",
        ]

    def test_what_ended_before_is_not_told_again(self, capsys):
        with self.view(TRIALS[:2]) as view:
            view.show(TRIALS[:2], TRIALS[0])
            view.show(TRIALS[:3], TRIALS[0])
        assert capsys.readouterr().err.startswith("[3/4] trial_2 failed")

    def test_time_left_comes_from_the_pace_of_this_run(self, capsys, monkeypatch):
        monkeypatch.setattr(screen, "time", SimpleNamespace(monotonic=lambda: 100.0))
        view = self.view(TRIALS[:1])
        monkeypatch.setattr(screen, "time", SimpleNamespace(monotonic=lambda: 160.0))
        view.show(TRIALS[:2], TRIALS[0])  # one trial in a minute, two to go
        assert capsys.readouterr().err.endswith(", about 2 min 00 s left\n")

    def test_nothing_is_left_of_a_spent_budget(self, capsys):
        ended = [Trial(n, COMPLETE, value=0.5, best_epoch=1, curve=epochs(0.5)) for n in range(4)]
        self.view().show(ended, ended[0])
        assert "left" not in capsys.readouterr().err


class TestLiveSearch:
    """Standard error is a terminal: a table that is drawn anew."""

    def test_table(self, terminal):
        view = SearchScreen("quick", 12, 6, (), synthetic=True)
        text = shown(view, TRIALS, TRIALS[0], "stopping after the running epochs")
        lines = text.splitlines()
        assert lines[0].strip() == "Study quick on the synthetic twin"
        rows = [line for line in lines if "worker_" in line]
        assert [re.findall(r"[\w/.]+(?: %)?|–", row) for row in rows] == [
            ["worker_0", "trial_4", "1/6", "–", "–"],
            ["worker_1", "trial_3", "3/6", "58.00 %", "61.00 %"],
        ]
        assert "3 of 12 trials finished" in text
        assert "best so far: trial_0 60.00 %" in text
        assert "stopping after the running epochs" in text

    def test_before_the_first_score(self, terminal):
        view = SearchScreen("mine", 12, 6, (), synthetic=False)
        text = shown(view, TRIALS[4:], None)
        assert "synthetic" not in text
        assert "0 of 12 trials finished" in text
        assert "no score yet" in text

    def test_last_epoch_is_not_counted_past_the_end(self, terminal):
        view = SearchScreen("mine", 12, 2, (), synthetic=False)
        assert "2/2" in shown(view, TRIALS[3:4], None)

    def test_drawn_on_the_terminal_and_taken_away(self, terminal, capsys):
        with SearchScreen("quick", 12, 6, (), synthetic=True) as view:
            view.show(TRIALS, TRIALS[0])
            view._live.refresh()
        assert "Study quick on the synthetic twin" in terminal.getvalue()
        assert "trial_0 complete" not in terminal.getvalue(), "no lines of a plain log"
        assert capsys.readouterr() == ("", "")


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

    def test_nothing_to_prepare_says_nothing(self, capsys, terminal):
        with preparing("Preparing twin"):
            pass
        assert capsys.readouterr() == ("", "")
        assert re.sub(r"\x1b\[\S*?[A-Za-z]|\s", "", terminal.getvalue()) == ""

    def test_live_preparation(self, terminal):
        with preparing("Preparing twin") as on_progress:
            on_progress(3, 8, "Ses01F_impro01")
        assert "Preparing twin: Ses01F_impro01" in terminal.getvalue()
        assert "3/8" in terminal.getvalue()

    def test_plain_retraining_tells_every_epoch(self, capsys):
        with retraining(2) as show:
            show(0, 0, 3)
            show(0, 1, 3)
            show(1, 3, 3)
        assert capsys.readouterr().err.splitlines() == [
            "Retraining: seed 1/2, epoch 1/3",
            "Retraining: seed 2/2, epoch 3/3",
        ]

    def test_live_retraining(self, terminal):
        with retraining(2) as show:
            show(1, 2, 3)
        assert "Retraining: seed 2/2, epoch 2/3" in terminal.getvalue()


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
    "accuracy_interval": [0.66, 0.74],
    "uar": 0.71,
    "uar_interval": [0.67, 0.75],
    "macro_f1": 0.69,
    "macro_f1_interval": [0.65, 0.73],
    "recall_by_class": {
        "ang": {"recall": 0.8, "interval": [0.7, 0.9], "n": 170},
        "fea": {"recall": None, "interval": [None, None], "n": 0},
    },
    "n_dialogues": 31,
    "n_scorings": 1,
}


def test_final_figures(capsys):
    screen.show_final(RESULT)
    said = capsys.readouterr()
    assert said.err == ""
    text = said.out
    assert "trial_3 of study quick: 4 epochs on 3838 utterances, seeds 0, 1" in text
    assert "2 speakers (Ses05_F, Ses05_M) (synthetic data)" in text
    assert re.search(r"accuracy +70\.00 % +66\.0 – 74\.0 %", text)
    assert re.search(r"recall ang +80\.00 % +70\.0 – 90\.0 % +170", text)
    assert re.search(r"recall fea +– +– +0", text)
    assert "31 dialogues" in text
    assert "optimistic" not in text


def test_a_second_scoring_is_said(capsys):
    screen.show_final({**RESULT, "n_scorings": 2, "synthetic": False})
    text = capsys.readouterr().out
    assert "This holdout has been scored 2 times: the figure is optimistic." in text
    assert "synthetic" not in text
