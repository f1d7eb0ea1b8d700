"""Results go to standard output, notes to standard error, letter by letter."""

import io
import sys

import pytest

from emotion_hpo.console.output import as_a_block, echo, note


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


def test_a_block_that_nobody_reads_ends_without_an_error(monkeypatch):
    class ClosedPipe(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, ClosedPipe())
    with as_a_block("session"):
        echo("a result")
        note("a remark")
    with pytest.raises(ValueError, match="a fault"), as_a_block("session"):
        raise ValueError("a fault")
    for show in (echo, note):
        with pytest.raises(BrokenPipeError):
            show("what comes last")
