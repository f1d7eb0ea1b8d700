"""The state of a search as a person sees it: lines in a plain log, a table on a terminal."""

import io
import re
from types import SimpleNamespace

import yaml
from rich.console import Console

from emotion_hpo.config import SearchConfig, dump, with_value
from emotion_hpo.console import output as screen
from emotion_hpo.console import search as live
from emotion_hpo.console.search import SearchScreen
from emotion_hpo.study import Epoch, StudyHome, Trial, TrialState
from tests.pipeline import SMALL, compose_config

COMPLETE, RUNNING, WAITING = TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING


def epochs(*accuracies: float) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(n, {"val/accuracy": accuracy}, 2.0, 0.0)
        for n, accuracy in enumerate(accuracies, start=1)
    )


TRIALS = [
    Trial(0, COMPLETE, value=0.6, best_epoch=2, curve=epochs(0.5, 0.6, 0.55)),
    Trial(1, TrialState.PRUNED, value=0.4, best_epoch=1, curve=epochs(0.4)),
    Trial(2, TrialState.FAILED, reason="a loss of nan [/] at batch 3"),
    Trial(3, RUNNING, worker="worker_1", curve=epochs(0.61, 0.58)),
    Trial(4, RUNNING, worker="worker_0"),
    Trial(5, WAITING),
]


def config(n_trials: int, epochs: int, objective: str = "val/accuracy") -> SearchConfig:
    """A study named quick."""
    sizes = (f"study.n_trials={n_trials}", f"training.epochs={epochs}")
    return compose_config(*SMALL, "study.name=quick", f"study.objective={objective}", *sizes)


def seen_on(terminal: io.StringIO) -> list[str]:
    """The lines that stand on a terminal after all that was written to it."""
    lines, row = [""], 0
    for part in re.split(r"(\x1b\[[?\d]*[A-Za-z]|\r|\n)", terminal.getvalue()):
        if up := re.fullmatch(r"\x1b\[(\d+)A", part):
            row -= int(up[1])
        elif part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part != "\r" and not part.startswith("\x1b"):
            lines[row] = part
    return [line.rstrip() for line in lines if line.strip()]


def shown(view: SearchScreen, trials, message="") -> str:
    """The table of a search as text."""
    out = io.StringIO()
    Console(file=out, width=100, color_system=None).print(view.table(trials, message))
    return out.getvalue()


class TestPlainSearch:
    """Standard error is a file: a line a trial, once."""

    def view(self, before=()):
        return SearchScreen(config(4, 6), before, synthetic=True)

    def test_each_end_is_told_once(self, capsys):
        with self.view() as view:
            view.show(TRIALS[3:])
            view.show([*TRIALS[:1], *TRIALS[3:]])
            view.show(TRIALS, "stopping")
            view.show(TRIALS)
        said = capsys.readouterr()
        lines = [re.sub(r", about .* left", "", line) for line in said.err.splitlines()]
        assert said.out == ""
        assert lines == [
            "[1/4] trial_0 complete 60.00 % at epoch 2 of 3 trained, 6 s; best trial_0 60.00 %",
            "[2/4] trial_1 pruned 40.00 % at epoch 1 of 1 trained, 2 s; best trial_0 60.00 %",
            "[3/4] trial_2 failed: a loss of nan [/] at batch 3, 0 s; best trial_0 60.00 %",
        ]

    def test_what_ended_before_is_not_told_again(self, capsys):
        with self.view(TRIALS[:2]) as view:
            view.show(TRIALS[:2])
            view.show(TRIALS[:3])
        assert capsys.readouterr().err.startswith("[3/4] trial_2 failed")

    def test_time_left_comes_from_the_pace_of_this_run(self, capsys, monkeypatch):
        monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: 100.0))
        view = self.view(TRIALS[:1])
        monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: 160.0))
        view.show(TRIALS[:2])  # one trial in a minute, two to go
        assert capsys.readouterr().err.endswith(", about 2 min 00 s left\n")

    def test_nothing_is_left_of_a_spent_budget(self, capsys):
        ended = [Trial(n, COMPLETE, value=0.5, best_epoch=1, curve=epochs(0.5)) for n in range(4)]
        self.view().show(ended)
        assert "left" not in capsys.readouterr().err


class TestLiveSearch:
    """Standard error is a terminal: a table that is drawn anew."""

    def test_table(self, terminal):
        view = SearchScreen(config(12, 6), (), synthetic=True)
        text = shown(view, TRIALS, "stopping after the running epochs")
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

    def test_each_trial_has_epochs_of_its_own(self, terminal, tmp_path):
        """A space may draw how many; a model without layers has one."""
        base = compose_config(*SMALL, f"study.directory={tmp_path}", "training.epochs=6")
        home, plain = StudyHome(tmp_path, "study"), dump(base.experiment())
        linear = {"name": "linear", "learner": "linear"}
        for number, changes in ((3, ("training.epochs", 9)), (4, ("model", linear))):
            home.trial(number).path.mkdir(parents=True)
            home.trial(number).config.write_text(yaml.safe_dump(with_value(plain, *changes)))
        text = shown(SearchScreen(base, (), synthetic=True), TRIALS)
        assert re.findall(r"trial_(\d) +│ +(\d+/\d+)", text) == [("4", "1/1"), ("3", "3/9")]

    def test_before_the_first_score(self, terminal):
        view = SearchScreen(config(12, 6), (), synthetic=False)
        text = shown(view, TRIALS[4:])
        assert "synthetic" not in text
        assert "0 of 12 trials finished" in text
        assert "no score yet" in text

    def test_last_epoch_is_not_counted_past_the_end(self, terminal):
        view = SearchScreen(config(12, 2), (), synthetic=False)
        assert "2/2" in shown(view, TRIALS[3:4])

    def test_drawn_on_the_terminal_and_taken_away(self, terminal, capsys):
        with SearchScreen(config(12, 6), (), synthetic=True) as view:
            view.show(TRIALS)
        assert "Study quick on the synthetic twin" in terminal.getvalue()
        assert "trial_0 complete" not in terminal.getvalue(), "no lines of a plain log"
        assert capsys.readouterr() == ("", "")

    def test_a_note_stands_above_the_table(self, terminal):
        """Printed past the live display it would leave the title and the head behind."""
        with SearchScreen(config(12, 6), (), synthetic=True) as view:
            view.show(TRIALS)
            screen.note("worker_0 died (status 9); it is started again")
            screen.note("a longer note " * 3)
            lines = seen_on(terminal)
        assert lines[0] == "worker_0 died (status 9); it is started again"
        assert lines[1].startswith("a longer note a longer note")
        assert sum("Study quick" in line for line in lines) == 1
        assert sum("its best" in line for line in lines) == 1
        assert seen_on(terminal) == lines[:2], "the table is gone, the notes stay"

    def test_notes_find_standard_error_again(self, terminal, capsys, monkeypatch):
        with SearchScreen(config(12, 6), (), synthetic=True):
            pass
        monkeypatch.setattr(screen, "Console", Console)
        screen.note("after the search")
        assert capsys.readouterr().err == "after the search\n"
