"""Compare three kinds of text vectors: `python examples/text_vectors.py corpus.table=meld.csv`.

Three studies of one network, the mean over a transcript's vectors and a linear layer, with the same
space, budget and seeds: random word vectors that are learnt along, the factors of tf-idf, and
MiniLM's. Each winner is chosen on validation and scored on the test part once; the study's own
linear model, on tf-idf or on MiniLM, stands beside it. Anything else is added as `key=value`; the
same command goes on where it was stopped.
"""

import subprocess
import sys
from pathlib import Path

from emotion_hpo.console.output import echo
from emotion_hpo.metrics import find_metric
from emotion_hpo.study import StudyHome
from emotion_hpo.study.finals import find_finals
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult, Scores
from emotion_hpo.study.records.selection import Selection

DIRECTORY = Path("studies/text")

COMMON = (
    f"study.directory={DIRECTORY}", "corpus=manifest", "split=given",
    "study.objective=val/weighted_f1", "model=probe", "space=training", "~model.encoders.speech",
)  # fmt: skip

#: Study → what it is called, and what it reads by which encoder.
KINDS = {
    "random": (
        "random word vectors",
        "features=default",
        "+model.encoders.text={name: mean, output_units: 256, "
        "embedding: {vectors: random, dimensions: 300, trainable: true}}",
    ),
    "tfidf": (
        "tf-idf, 500 factors",
        "features=default",
        "+model.encoders.text_factors={name: mean, output_units: 256}",
    ),
    "minilm": (
        "MiniLM",
        "features=minilm",
        "+model.encoders.text={name: mean, output_units: 256}",
    ),
}


def main(overrides: list[str]) -> None:
    """Run the studies that are not there yet, and print what they came to."""
    lines = []
    for name, (label, *settings) in KINDS.items():
        run("search", f"study.name={name}", *COMMON, *settings, *overrides)
        home = StudyHome(DIRECTORY, name)
        selection = read_record(home.selection, Selection)
        if not find_finals(home):
            where = (f"study.directory={DIRECTORY}", f"study.name={name}")
            run("final", *where, f"best={selection.winner}", "rescore=true")
        (final,) = find_finals(home)
        result = read_record(final.result, FinalResult)
        metric = find_metric(selection.objective).name
        lines.append(line(f"{label}, network", selection.value, result, metric))
        if result.baseline is not None:
            parts = f"{label}, the study's linear model"
            lines.append(line(parts, selection.baseline, result.baseline, metric))
    echo(f"\n{metric}: on validation, on the test part with its 95 % interval, in per cent", "bold")
    for text in lines:
        echo(text)


def run(command: str, *arguments: str) -> None:
    """Run a command of `emotion-hpo`; stop where it fails."""
    program = Path(sys.executable).with_name("emotion-hpo")
    status = subprocess.run([program, command, *arguments], check=False).returncode
    if status:
        sys.exit(status)


def line(label: str, value: float | None, scores: Scores, metric: str) -> str:
    """A row of the table."""
    test, interval = scores.by_metric()[metric]
    validated = "" if value is None else f"{100 * value:.1f}"
    ends = f"{100 * interval.low:.1f} – {100 * interval.high:.1f}"
    return f"{label:46} {validated:>6} {100 * test:6.1f} ({ends})"


if __name__ == "__main__":
    main(sys.argv[1:])
