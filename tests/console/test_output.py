"""Results go to standard output, notes to standard error, letter by letter."""

import pytest

from emotion_hpo.console.output import echo, note


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
