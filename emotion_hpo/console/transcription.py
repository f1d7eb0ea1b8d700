"""What `transcribe` shows: how many words are wrong, by session, and how fast it was."""

from rich.table import Column, Table

from emotion_hpo.console.corpus import fault_lines
from emotion_hpo.console.output import echo, open_console
from emotion_hpo.corpus import count_by_kind
from emotion_hpo.features.transcription.transcribe import Recognised
from emotion_hpo.runtime.formatting import format_count, format_duration, format_share
from emotion_hpo.study.records.prepared_corpus import FaultsOfAKind
from emotion_hpo.study.records.transcription import WordErrors


def show_transcription(recognised: Recognised, seconds: float) -> None:
    """Print the word error rate, what could not be recognised, and the time that it took.

    Args:
        recognised: What a run did.
        seconds: That it took.
    """
    record = recognised.record
    mark = " (synthetic)" if record.synthetic else ""
    if record.errors is not None:
        numbers = ("words", "wrong", "missing", "made up", "WER")
        table = Table(
            Column("session", overflow="fold"),
            *(Column(name, justify="right") for name in numbers),
            title=f"Corpus {record.corpus}{mark} by {record.recogniser} {record.model}",
            title_justify="left",
        )
        for session, errors in record.by_session.items():
            table.add_row(session, *_cells(errors))
        table.add_row("all", *_cells(record.errors))
        open_console().print(table)
    echo(f"W{record.describe()[1:]}")
    without = ""
    if record.n_without_words:
        without = f", {record.n_without_words} of them without words"
    echo(f"{format_count(record.n_utterances, 'utterance')}{without}")
    counts = count_by_kind(recognised.faults)
    for line in fault_lines({kind: FaultsOfAKind.from_json(n) for kind, n in counts.items()}):
        echo(line)
    if recognised.n_recognised:
        echo(
            f"{format_count(recognised.n_recognised, 'utterance')} of "
            f"{format_duration(recognised.seconds)} recognised in {format_duration(seconds)}: "
            f"real-time factor {seconds / recognised.seconds:.3f}"
        )


def _cells(errors: WordErrors) -> tuple[str, ...]:
    counts = (errors.n_words, errors.n_substituted, errors.n_deleted, errors.n_inserted)
    return (*map(str, counts), format_share(errors.rate))
