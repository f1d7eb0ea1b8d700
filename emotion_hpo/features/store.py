"""A corpus's features on disk, a shard a session: made once, found again by content.

In: a corpus and what to extract. Out: a `FeatureStore`, a handle that knows where every session's
shard lies and holds none of its data: a sealed session is read only by who opens it. A shard's name
ends in a key, the hash of all that its content depends on, so that a changed setting makes a new
shard and a changed back one finds the old. Shards are made one after the other by a pool of worker
processes, a task a dialogue, results in order: memory stays bounded, and the same corpus gives the
same bytes whatever the number of workers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from emotion_hpo.config.building import fingerprint
from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.corpus.schema import Corpus
from emotion_hpo.features.extraction import stored_modalities
from emotion_hpo.features.shard import Ragged, Shard, damage_of, open_shard
from emotion_hpo.features.workers import extractor
from emotion_hpo.features.writing import ShardWriter, disk

__all__ = ["FeatureStore", "Ragged", "Shard", "prepare"]

#: Part of every key: raise it whenever an extractor's output changes.
FEATURES_VERSION = 1

#: Called with dialogues done, dialogues to do, and what was just done.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class FeatureStore:
    """Where the features of a corpus lie.

    Attributes:
        directory: The corpus's folder, one folder a shard in it.
        corpus_name: As in the configuration.
        synthetic: Whether the corpus is invented; every figure from it then says so.
        classes: Emotions, in the order of a network's outputs.
        modalities: What the corpus holds.
        sessions: All of them, sorted.
        keys: Session to the key of its shard; a session that was left out has none.
    """

    directory: Path
    corpus_name: str
    synthetic: bool
    classes: tuple[str, ...]
    modalities: tuple[str, ...]
    sessions: tuple[str, ...]
    keys: dict[str, str]

    def shard_path(self, session: str) -> Path:
        """The folder of a session's shard."""
        # A file system takes 255 bytes; the key alone tells shards apart.
        return self.directory / f"{quote(session, safe='')[:100]}-{self.keys[session]}"

    def open(self, session: str) -> Shard:
        """A session's shard; no other one is touched.

        Raises:
            FeatureError: It is missing or damaged.
        """
        return open_shard(self.shard_path(session), self.keys[session])


def prepare(
    corpus: Corpus,
    config: FeaturesConfig,
    directory: Path,
    n_workers: int,
    on_progress: Progress,
    *,
    leave_out: str | None = None,
) -> FeatureStore:
    """Make sure that the features of every session are stored, extracting what is missing.

    Stored shards are read through once and compared with their checksums; damaged ones are made
    anew. Several processes may prepare the same store: one works, the others wait for it.

    Args:
        corpus: What to read.
        config: What to extract.
        directory: Folder of all stores; the corpus gets a folder of its own in it.
        n_workers: Processes that extract; with 1, this one does.
        on_progress: Told about every dialogue; about a damaged shard first, as 0 of 0.
        leave_out: A session whose recordings and shard are not looked at, for it is sealed.

    Raises:
        FeatureError: A recording cannot be used, a worker died, or the disk is full.
    """
    store = _store(corpus, config, directory, leave_out)
    missing = []
    for session in store.sessions:
        if session == leave_out:
            continue
        damage = damage_of(store.shard_path(session), store.keys[session], checksums=True)
        if damage is not None:
            missing.append(session)
            if store.shard_path(session).exists():
                on_progress(0, 0, f"session {session}: {damage}; it is made anew")
    if missing:
        _make(store, corpus, config, missing, n_workers, on_progress)
    return store


def _store(
    corpus: Corpus, config: FeaturesConfig, directory: Path, leave_out: str | None
) -> FeatureStore:
    """The handle, by names and keys alone; of a session left out, by its name."""
    sessions = corpus.sessions()
    read = [session for session in sessions if session != leave_out]
    return FeatureStore(
        directory=directory / quote(corpus.name, safe=""),
        corpus_name=corpus.name,
        synthetic=corpus.synthetic,
        classes=corpus.classes,
        modalities=corpus.modalities,
        sessions=sessions,
        keys={session: fingerprint(_identity(corpus, config, session)) for session in read},
    )


def _identity(corpus: Corpus, config: FeaturesConfig, session: str) -> dict[str, Any]:
    """All that a shard's content depends on."""
    extraction = config.extraction()
    return {
        "version": FEATURES_VERSION,
        "corpus": corpus.name,
        "fingerprint": corpus.fingerprint(session),
        "session": session,
        "synthetic": corpus.synthetic,
        "classes": list(corpus.classes),
        "modalities": list(corpus.modalities),
        "extraction": {name: extraction[name] for name in corpus.modalities if name in extraction},
    }


def _make(
    store: FeatureStore,
    corpus: Corpus,
    config: FeaturesConfig,
    sessions: list[str],
    n_workers: int,
    on_progress: Progress,
) -> None:
    """Make the shards of some sessions, one session after the other."""
    tables = {session: corpus.table(session) for session in sessions}
    dialogues = {session: list(tables[session]["dialogue"].unique()) for session in sessions}
    done, total = 0, sum(map(len, dialogues.values()))
    if n_faults := len(corpus.faults()):
        count = f"{n_faults} fault{'s' * (n_faults > 1)}"
        said = f"{count} of the corpus's files, which `emotion-hpo prepare` names"
        on_progress(done, total, said)
    with extractor(corpus, config, n_workers) as extracted:
        for session in sessions:
            path, key = store.shard_path(session), store.keys[session]
            waits = partial(
                on_progress, done, total, f"session {session}: waits for another process"
            )
            with _alone(path, waits):
                if damage_of(path, key, checksums=True) is None:  # another process was faster
                    done += len(dialogues[session])
                    continue
                with ShardWriter(path, tables[session], stored_modalities(corpus)) as writer:
                    for dialogue, utterances in extracted(session, dialogues[session]):
                        for utterance in utterances:
                            writer.add(utterance)
                        done += 1
                        on_progress(done, total, f"session {session}: {dialogue}")
                    writer.finish(_identity(corpus, config, session) | {"key": key})


@contextmanager
def _alone(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold a shard's lock, and tell if another process has to let go of it first."""
    locks = path.parent / ".locks"
    with disk(path):
        locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{path.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
