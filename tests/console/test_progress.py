"""Progress: lines in a plain log, bars on a terminal."""

from types import SimpleNamespace

from emotion_hpo.console import progress
from emotion_hpo.console.progress import preparing


class TestProgress:
    def test_plain_preparation_tells_now_and_then_and_the_end(self, capsys, monkeypatch):
        times = iter([10.0, 10.0, 12.0, 20.0, 20.0, 21.0, 21.0, 21.0])
        monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))
        with preparing("Preparing twin") as on_progress:
            for done, what in ((1, "one"), (2, "two"), (3, "three"), (4, "four")):
                on_progress(done, 4, what)
        assert capsys.readouterr().err.splitlines() == [
            "Preparing twin: one 1/4",
            "Preparing twin: three 3/4, 5 s left",
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


def test_a_live_display_shows_names_as_they_are(terminal):
    with preparing("Preparing") as on_progress:
        on_progress(1, 2, "session [/x]: [dialogue] :smile:")
    assert "Preparing: session [/x]: [dialogue] :smile:" in terminal.getvalue()
