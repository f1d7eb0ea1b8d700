"""`transcribe`: every recording of a corpus becomes words, once.

In: a corpus and a recogniser. Out: a CSV of id and words, and the record beside it. Sound is read
as features read it: the corpus cuts each utterance out of its recording and averages its channels,
and it is resampled to 16 kHz. Recordings are read here, dialogue by dialogue, and recognised by a
pool, a few ahead. No label is looked at: a transcript is an input, of a sealed session as of any
other, and what a test session is worth is no matter here.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.features import SPEECH
from emotion_hpo.config.recogniser import RecogniserSection
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import Corpus, Recording
from emotion_hpo.errors import CorpusError, FeatureError, UnusableError
from emotion_hpo.features.speech import SAMPLE_RATE_HZ, as_signal
from emotion_hpo.features.transcription.recognisers import Recogniser, open_recogniser
from emotion_hpo.features.transcription.word_errors import count_word_errors
from emotion_hpo.features.transcription.words_file import WordsFile, open_words_file
from emotion_hpo.study.records.base import read_if_there, write_record
from emotion_hpo.study.records.transcription import Transcription, digest_of, place_of

#: Called with utterances done, utterances to do, and what was just done.
Progress = Callable[[int, int, str], None]

#: Signals for each worker: one that it recognises and one that waits for it.
_AHEAD = 2


@dataclass
class Recognised:
    """What a run did.

    Attributes:
        record: As it stands beside the CSV.
        n_recognised: Utterances that were recognised now, not before.
        seconds: Of their recordings.
        faults: Of the corpus, and of recordings that could not be used.
    """

    record: Transcription
    n_recognised: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def transcribe(
    corpus: Corpus,
    section: RecogniserSection,
    path: Path,
    n_workers: int,
    on_progress: Progress,
) -> Recognised:
    """Recognise what a CSV does not hold yet, and write down how many words are wrong.

    Args:
        corpus: With its own transcripts.
        section: By what.
        path: The CSV; beside it goes the record.
        n_workers: Signals that are recognised at once.
        on_progress: Told about every utterance.

    Raises:
        ConfigError: The recogniser is not installed.
        CorpusError: The corpus has no recordings, or cannot be read.
        FeatureError: The recogniser cannot be opened or died, the CSV is of other words or other
            recordings, or the disk is full.
    """
    if SPEECH not in corpus.modalities or SPEECH in corpus.ready_made:
        raise CorpusError(f"corpus {corpus.name} has no recordings: there is nothing to recognise")
    recogniser = open_recogniser(section, n_workers)
    tables = {session: _inputs(corpus.table(session)) for session in corpus.sessions()}
    before = read_if_there(place_of(path), Transcription)
    sample_id, sample_digest = _sample(corpus, tables, None if before is None else before.sample_id)
    record = Transcription(
        corpus=corpus.name,
        synthetic=corpus.synthetic,
        recogniser=recogniser.name,
        release=recogniser.release,
        model=recogniser.model,
        digest=recogniser.digest,
        language=section.language,
        sample_id=sample_id,
        sample_digest=sample_digest,
    )
    with open_words_file(path, record) as file:
        recognised = Recognised(record, faults=[*corpus.faults()])
        _recognise(corpus, tables, recogniser, file, recognised, n_workers, on_progress)
        recognised.record = _compare(record, tables, file)
        write_record(place_of(path), recognised.record)
    return recognised


def _inputs(table: pd.DataFrame) -> pd.DataFrame:
    """What is read of a session's turns: no label."""
    return table[["utterance_id", "dialogue", "transcript", "has_speech"]]


def _sample(
    corpus: Corpus, tables: dict[str, pd.DataFrame], utterance_id: str | None
) -> tuple[str | None, str | None]:
    """Return the id of an utterance and the digest of its sound; without an id, of the first.

    Names alone do not tell two corpora apart, whose tables often count their utterances.
    """
    names = [name for table in tables.values() for name in table["utterance_id"]]
    for _, recording in _recordings(
        corpus, tables, set(names) if utterance_id is None else {utterance_id}
    ):
        signal = _signal(recording, [])
        if signal is not None:
            return recording.utterance_id, hashlib.sha256(signal.tobytes()).hexdigest()
    return None, None


def _recognise(
    corpus: Corpus,
    tables: dict[str, pd.DataFrame],
    recogniser: Recogniser,
    file: WordsFile,
    recognised: Recognised,
    n_workers: int,
    on_progress: Progress,
) -> None:
    """Recognise what the file lacks, and append the words of each as soon as they are known."""
    total = sum(map(len, tables.values()))
    known = [name for table in tables.values() for name in table["utterance_id"]]
    missing = set(known) - file.words.keys()
    if not missing:
        return
    on_progress(total - len(missing), total, "so far")
    waiting: dict[Future[str], tuple[str, str]] = {}
    n_workers = min(n_workers, len(missing))
    pool = recogniser.open_pool(n_workers)

    def collect(n_most: int) -> None:
        """Write what is recognised until at most so many signals are under way."""
        while len(waiting) > n_most:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                session, name = waiting.pop(future)
                write(session, name, " ".join(future.result().split()))

    def write(session: str, name: str, words: str) -> None:
        file.append(name, words)
        missing.discard(name)
        on_progress(total - len(missing), total, f"session {session}: {name}")

    try:
        for session, recording in _recordings(corpus, tables, missing):
            signal = _signal(recording, recognised.faults)
            if signal is None:
                write(session, recording.utterance_id, "")
                continue
            recognised.n_recognised += 1
            recognised.seconds += len(signal) / SAMPLE_RATE_HZ
            future = pool.submit(recogniser.recognise, signal)
            waiting[future] = session, recording.utterance_id
            collect(_AHEAD * n_workers - 1)
        collect(0)
    except BrokenProcessPool:
        raise FeatureError(
            "a process that recognises died, most likely for want of memory; what was recognised "
            f"is in {file.path}, and the same command goes on"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _recordings(
    corpus: Corpus, tables: dict[str, pd.DataFrame], missing: set[str]
) -> Iterator[tuple[str, Recording]]:
    """Yield session and recording of what is missing; other dialogues are not read."""
    for session, table in tables.items():
        is_missing = table["utterance_id"].isin(missing)
        for dialogue in table["dialogue"][is_missing].unique():
            for recording in corpus.recordings(session, dialogue):
                if recording.utterance_id in missing:
                    yield session, recording


def _signal(recording: Recording, faults: list[Fault]) -> NDArray[np.float32] | None:
    """Return the sound of an utterance at 16 kHz; None where there is none that can be used."""
    faults += recording.faults
    if recording.samples is None or not recording.samples.size:
        return None
    try:
        return as_signal(recording.samples, recording.sample_rate_hz)
    except UnusableError as error:
        source = recording.sources.get(SPEECH)
        place = f"{source}, {recording.utterance_id}" if source else recording.utterance_id
        faults.append(Fault(f"not recognised: {error}", place))
        return None


def _compare(
    record: Transcription, tables: dict[str, pd.DataFrame], file: WordsFile
) -> Transcription:
    """Return the record of a whole CSV: how its words differ from the manual ones."""
    pairs = {
        session: [
            (manual, file.words[name])
            for name, manual, is_recorded in zip(
                table["utterance_id"], table["transcript"], table["has_speech"], strict=True
            )
            if is_recorded and isinstance(manual, str)
        ]
        for session, table in tables.items()
    }
    by_session = {session: count_word_errors(of_session) for session, of_session in pairs.items()}
    names = [name for table in tables.values() for name in table["utterance_id"]]
    return record.model_copy(
        update={
            "n_utterances": len(names),
            "n_without_words": sum(not file.words[name] for name in names),
            "words_digest": digest_of(file.path),
            "errors": count_word_errors(pair for every in pairs.values() for pair in every),
            "by_session": {name: errors for name, errors in by_session.items() if errors},
        }
    )
