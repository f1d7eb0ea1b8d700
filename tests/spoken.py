"""Small corpora of sentences that espeak-ng speaks, or of tones, with their manual transcripts."""

import csv
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.needed import need_program

#: Sentences of two classes, of the kind that people say.
SENTENCES = (
    ("I am so happy today.", "happy"), ("My dog is very ill.", "sad"),
    ("This is a lovely morning.", "happy"), ("Nobody came to see me.", "sad"),
    ("We won the game.", "happy"), ("I lost all my money.", "sad"),
    ("What a wonderful surprise.", "happy"), ("She will never come back.", "sad"),
    ("Thank you for the flowers.", "happy"), ("It rained all day long.", "sad"),
    ("I love this music.", "happy"), ("I feel so alone.", "sad"),
)  # fmt: skip


def speak(folder: Path, sentences: Sequence[tuple[str, str]], voice: str = "en-us") -> Path:
    """Speak sentences of known emotion into recordings; return the manifest that names them.

    Three sessions of a speaker each, in turns; skips where espeak-ng is not installed.
    """
    need_program("espeak-ng")
    rows = []
    for row, (sentence, emotion) in enumerate(sentences):
        name = f"u{row:02}"
        command = ["espeak-ng", "-v", voice, "-s", "150", "-w", f"{folder}/{name}.wav", sentence]
        subprocess.run(command, check=True)
        session = str(row // 2 % 3 + 1)
        rows.append((name, f"s{session}", session, emotion, sentence, f"{name}.wav"))
    table = folder / "table.csv"
    header = ("utterance_id", "speaker", "session", "emotion", "transcript", "audio")
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return table
