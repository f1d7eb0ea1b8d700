"""`emotion-hpo prepare`: read a corpus, store its features, say what is there and missing."""

import time
from pathlib import Path

from pydantic import Field

from emotion_hpo.config import SearchConfig, TwinCorpus
from emotion_hpo.console.corpus import show_corpus
from emotion_hpo.console.output import echo
from emotion_hpo.console.progress import preparing
from emotion_hpo.study import StudyHome, make_folder
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.prepared_corpus import PreparedCorpus
from emotion_hpo.study.records.transcription import describe_words, read_transcription


class PrepareCommand(SearchConfig):
    """`emotion-hpo prepare`."""

    output: Path | None = Field(description="also write the result there, as JSON")


def run(command: PrepareCommand) -> None:
    """Store a corpus's features and print what is there."""
    prepare(command)


def prepare(command: PrepareCommand) -> PreparedCorpus:
    """Store a corpus's features, print what is there, and return it."""
    from emotion_hpo.corpus import Twin, count_by_kind, open_corpus, write_release
    from emotion_hpo.features.preparation import peak_memory_mb, prepare_features
    from emotion_hpo.features.summary import summary, words_without_vectors
    from emotion_hpo.splits.class_coverage import describe_missing_by_session

    began = time.monotonic()
    if isinstance(command.corpus, TwinCorpus) and command.corpus.write_release is not None:
        twin = Twin(command.corpus.seed, command.corpus.scale)
        folder = command.corpus.write_release
        with preparing(f"Writing {folder}") as on_progress:
            n_written = write_release(twin, folder, on_progress)
        echo(f"Release: {n_written} utterances in {folder} (synthetic)")
    home = StudyHome(command.study.directory, command.study.name)
    make_folder(home.features)
    with preparing(f"Preparing {command.corpus.name}") as on_progress:
        store = prepare_features(command, home.features, on_progress)
    corpus = open_corpus(command.corpus, command.split.session_column)
    transcripts = command.corpus.transcripts
    words = describe_words(transcripts, read_transcription(transcripts))
    word_vectors = getattr(command.features.text, "vectors", None)
    counts = summary(store)
    content = {
        **counts,
        "words_without_vectors": word_vectors and words_without_vectors(store, word_vectors),
        "remarks": [
            *corpus.remarks(),
            *([words] if words else ()),
            *describe_missing_by_session(counts["n_by_session_emotion"]),
        ],
        "faults": count_by_kind((*corpus.faults(), *store.faults())),
        "seconds": round(time.monotonic() - began, 2),
        "peak_memory_mb": peak_memory_mb(),
    }
    prepared = PreparedCorpus.from_json(content)
    show_corpus(prepared)
    if command.output is not None:
        write_record(command.output, prepared)
    return prepared
