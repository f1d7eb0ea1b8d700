"""Dialogues are extracted by a pool of processes, and come back in the order of asking.

At most two dialogues a worker are under way, so that memory does not grow with the corpus. A worker
uses one thread, leaves Ctrl-C to its parent, and ends with it, however the parent ends.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from emotion_hpo.corpus.schema import Corpus
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.extracted import Extracted
from emotion_hpo.features.extraction import extract_dialogue
from emotion_hpo.features.finished import read_dialogue, write_dialogue
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.writing import disk
from emotion_hpo.runtime.child_process import become_child, without_main_module

#: Of a dialogue: its transcripts by utterance.
Transcripts = Mapping[str, str | None]

#: Session, its dialogues with their transcripts and where finished ones are kept, if they are, to
#: each dialogue with its utterances.
Extractor = Callable[
    [str, Mapping[str, Transcripts], Path | None], Iterator[tuple[str, Iterable[Extracted]]]
]

AHEAD = 2  # dialogues a worker: one that it works on and one that waits for it

# What a worker process extracts from; set once as it starts, so that no task carries the corpus.
_task: tuple[Corpus, Encoders] | None = None


@contextmanager
def extractor(corpus: Corpus, encoders: Encoders, n_workers: int) -> Iterator[Extractor]:
    """Provide a function that extracts dialogues by a pool of processes.

    Args:
        corpus: What to read.
        encoders: What to extract, and the pretrained models of it.
        n_workers: Processes; with 1 or fewer, this one does it.
    """
    if n_workers <= 1:
        # More threads add up in another order: other last bits. A pretrained model has its own.
        with threadpool_limits(1, "blas" if len(encoders) else None):
            yield lambda session, dialogues, folder: (
                (dialogue, _extract(corpus, encoders, session, dialogue, transcripts, folder))
                for dialogue, transcripts in dialogues.items()
            )
        return
    pool = ProcessPoolExecutor(
        n_workers,
        # A forked child would inherit locks that threads of this process hold.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_set_up,
        initargs=(corpus, encoders),
    )
    try:
        yield lambda session, dialogues, folder: _in_order(
            pool, session, dialogues, folder, AHEAD * n_workers
        )
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor,
    session: str,
    dialogues: Mapping[str, Transcripts],
    folder: Path | None,
    n_ahead: int,
) -> Iterator[tuple[str, Iterable[Extracted]]]:
    """Results of dialogues in their order, `n_ahead` of them under way."""
    waiting: deque[tuple[str, Future[list[Extracted]]]] = deque()
    try:
        for dialogue, transcripts in dialogues.items():
            with without_main_module():  # a pool starts its processes as it gets their tasks
                future = pool.submit(_work, session, dialogue, transcripts, folder)
            waiting.append((dialogue, future))
            if len(waiting) == n_ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    except BrokenProcessPool:
        raise FeatureError(
            f"session {session}: a worker process died, most likely for want of memory; "
            "fewer workers need less"
        ) from None


def _set_up(corpus: Corpus, encoders: Encoders) -> None:
    """Set a worker process up."""
    global _task  # noqa: PLW0603 (a process of its own: nothing else lives here)
    _task = corpus, encoders
    become_child()


def _work(
    session: str, dialogue: str, transcripts: Transcripts, folder: Path | None
) -> list[Extracted]:
    """Extract one dialogue, in a worker process."""
    assert _task is not None
    corpus, encoders = _task
    return list(_extract(corpus, encoders, session, dialogue, transcripts, folder))


def _extract(
    corpus: Corpus,
    encoders: Encoders,
    session: str,
    dialogue: str,
    transcripts: Transcripts,
    folder: Path | None,
) -> Iterable[Extracted]:
    """Extract a dialogue, unless it is kept; without a folder, as the utterances are asked for."""
    if folder is None:
        return extract_dialogue(corpus, encoders, session, dialogue, transcripts)
    utterances = read_dialogue(folder, dialogue)
    if utterances is None:
        utterances = [*extract_dialogue(corpus, encoders, session, dialogue, transcripts)]
        with disk(folder):
            write_dialogue(folder, dialogue, utterances)
    return utterances
