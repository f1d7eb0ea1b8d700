"""`emotion-hpo transcribe`: recognise the words of recordings, and say how many are wrong."""

import time
from pathlib import Path

from pydantic import Field

from emotion_hpo.config import SearchConfig
from emotion_hpo.config.recogniser import RecogniserSection
from emotion_hpo.console.output import echo
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import ConfigError
from emotion_hpo.study import check_writable


class TranscribeCommand(SearchConfig):
    """`emotion-hpo transcribe`."""

    recogniser: RecogniserSection = Field(description="by what")
    output: Path = Field(
        description="CSV of `id` and `words`, as `corpus.transcripts` reads it; a record of the "
        "recogniser and its errors goes beside it, its name followed by `.json`"
    )


def run(command: TranscribeCommand) -> None:
    """Recognise what the CSV does not hold yet, and print the word error rate."""
    from emotion_hpo.console.transcription import show_transcription
    from emotion_hpo.corpus import open_corpus
    from emotion_hpo.features.transcription.transcribe import transcribe
    from emotion_hpo.runtime.cores import n_cores

    if command.output.suffix.lower() != ".csv":
        raise ConfigError(f"output: the name of a CSV must end in .csv, but got {command.output}")
    check_writable(command.output)
    began = time.monotonic()
    manual = command.corpus.model_copy(update={"transcripts": None})
    corpus = open_corpus(manual, command.split.session_column)
    with preparing(f"Transcribing {corpus.name}") as on_progress:
        recognised = transcribe(corpus, command.recogniser, command.output, n_cores(), on_progress)
    show_transcription(recognised, time.monotonic() - began)
    echo(f"Words: {command.output}; a study reads them by corpus.transcripts={command.output}")
