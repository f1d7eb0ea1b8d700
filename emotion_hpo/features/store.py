"""A corpus's features on disk, a shard a session: made once, found again by content.

In: a corpus and what to extract. Out: a `FeatureStore`, a handle that knows where every session's
shard lies and holds none of its data: a sealed session is read only by who opens it. A shard's name
ends in a key, the hash of all that its content depends on, so that a changed setting makes a new
shard and a changed back one finds the old. Shards are made one after the other by a pool of worker
processes, a task a dialogue, results in order: memory stays bounded, and the same corpus gives the
same bytes whatever the number of workers.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from filelock import FileLock, Timeout

from emotion_hpo.config.building import fingerprint
from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.config.training import Perturbation
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import Corpus
from emotion_hpo.features.extraction import (
    FEATURES_VERSION,
    all_modalities,
    shard_modalities,
    stored_modalities,
)
from emotion_hpo.features.finished import finished_folder
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.pretrained.forecast import forecast
from emotion_hpo.features.pretrained.weights import fetch_missing, settings_of
from emotion_hpo.features.shard import Ragged, Shard, find_damage, open_shard
from emotion_hpo.features.workers import extractor
from emotion_hpo.features.writing import ShardWriter, damaged_folder, disk
from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.runtime.formatting import format_duration
from emotion_hpo.runtime.usage import own_peak_mb

__all__ = ["FeatureStore", "Ragged", "Shard", "prepare"]

_log = logging.getLogger(__name__)

#: File of the corpus's folder that remembers what its files hold.
DIGESTS = ".digests.json"

#: All that a shard's content depends on.
Identity = dict[str, Any]

#: Letters of a session's name in its shard's: a folder's may have 255 bytes, of Chinese 9 each.
_LONGEST_NAME = 150

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
        modalities: What the corpus holds, and what is made of its recordings and words beside.
        ready_made: Those of them whose features the corpus brought.
        sessions: All of them, sorted.
        keys: Session to the key of its shard; a session that was left out has none.
        copies: What was changed of every recording → the features of the changed ones.
    """

    directory: Path
    corpus_name: str
    synthetic: bool
    classes: tuple[str, ...]
    modalities: tuple[str, ...]
    ready_made: tuple[str, ...]
    sessions: tuple[str, ...]
    keys: dict[str, str]
    copies: Mapping[Perturbation, "FeatureStore"] = field(default_factory=dict)

    def shard_path(self, session: str) -> Path:
        """The folder of a session's shard."""
        name = quote(session, safe="")[:_LONGEST_NAME]  # the key tells sessions apart
        return self.directory / f"{name}-{self.keys[session]}"

    def open(self, session: str) -> Shard:
        """A session's shard; no other one is touched.

        Raises:
            FeatureError: It is missing or damaged.
        """
        return open_shard(self.shard_path(session), self.keys[session])

    def faults(self) -> tuple[Fault, ...]:
        """Recordings and arrays that could not be used, of every session that was not left out."""
        return tuple(fault for session in self.keys for fault in self.open(session).faults)


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
        FeatureError: The extractor cannot work as configured, a worker died, or the disk is full.
    """
    identities = _identities(corpus, config, directory, leave_out)
    store = _store(corpus, config, directory, identities)
    missing = []
    for session in store.sessions:
        if session == leave_out:
            continue
        damage = find_damage(store.shard_path(session), store.keys[session], checksums=True)
        if damage is None:
            _sweep(store.shard_path(session))
        else:
            missing.append(session)
            if store.shard_path(session).exists():
                on_progress(0, 0, f"session {session}: {damage}; it is made anew")
    if missing:
        _make(
            store,
            corpus,
            config,
            {session: identities[session] for session in missing},
            n_workers,
            on_progress,
        )
    return store


def _sweep(path: Path) -> None:
    """Remove what lies beside a whole shard if its process was killed right after renaming it."""
    for folder in (finished_folder(path), damaged_folder(path)):
        shutil.rmtree(folder, ignore_errors=True)


def _folder(corpus: Corpus, directory: Path) -> Path:
    return directory / quote(corpus.name, safe="")


def _store(
    corpus: Corpus, config: FeaturesConfig, directory: Path, identities: Mapping[str, Identity]
) -> FeatureStore:
    """The handle, by names and keys alone; of a session left out, by its name."""
    return FeatureStore(
        directory=_folder(corpus, directory),
        corpus_name=corpus.name,
        synthetic=corpus.synthetic,
        classes=corpus.classes,
        modalities=all_modalities(corpus, config),
        ready_made=corpus.ready_made,
        sessions=corpus.sessions(),
        keys={session: fingerprint(identity) for session, identity in identities.items()},
    )


def _identities(
    corpus: Corpus, config: FeaturesConfig, directory: Path, leave_out: str | None
) -> dict[str, Identity]:
    """Session → all that its shard's content depends on; none of a session that is left out."""
    digests = Digests(_folder(corpus, directory) / DIGESTS)
    modalities = shard_modalities(corpus, config)
    extracted = [name for name in modalities if name not in corpus.ready_made]
    fetch_missing(config, extracted)
    extraction = settings_of(config, extracted, digests)
    identities = {
        session: {
            "version": FEATURES_VERSION,
            "corpus": corpus.name,
            "fingerprint": corpus.fingerprint(session, digests),
            "session": session,
            "synthetic": corpus.synthetic,
            "classes": list(corpus.classes),
            "modalities": list(modalities),
            "extraction": extraction,
        }
        for session in corpus.sessions()
        if session != leave_out
    }
    digests.save()
    return identities


def _make(
    store: FeatureStore,
    corpus: Corpus,
    config: FeaturesConfig,
    identities: Mapping[str, Identity],
    n_workers: int,
    on_progress: Progress,
) -> None:
    """Make the shards of some sessions, one session after the other."""
    tables = {session: corpus.table(session) for session in identities}
    dialogues = {session: _transcripts(table) for session, table in tables.items()}
    done, total = 0, sum(map(len, dialogues.values()))
    stored = stored_modalities(corpus, config)
    encoded = [name for name in stored if name in config.pretrained]
    layered = [name for name in encoded if config.pretrained[name].layers != "last"]
    keeps_dialogues = bool(encoded)
    encoders = Encoders(config, n_cores())
    if encoded:
        n_workers = 1  # one copy of a model, which uses all cores or the GPU itself
        _log.info(forecast(encoders, encoded, pd.concat(tables.values())))
    began = time.monotonic()
    with extractor(corpus, encoders, n_workers) as extracted:
        for session, identity in identities.items():
            path, key = store.shard_path(session), store.keys[session]
            waits = partial(
                on_progress, done, total, f"session {session}: waits for another process"
            )
            with _alone(path, waits):
                if find_damage(path, key, checksums=True) is None:  # another process was faster
                    done += len(dialogues[session])
                    continue
                finished = finished_folder(path) if keeps_dialogues else None
                with ShardWriter(path, tables[session], stored, layered) as writer:
                    for dialogue, utterances in extracted(session, dialogues[session], finished):
                        for utterance in utterances:
                            writer.add(utterance)
                        done += 1
                        on_progress(done, total, f"session {session}: {dialogue}")
                    writer.finish(identity | {"key": key})
                if finished is not None:
                    shutil.rmtree(finished, ignore_errors=True)
    if encoded and (seconds := _duration_s(tables.values())):
        elapsed = time.monotonic() - began
        _log.info(
            f"Extracted {seconds / 3600:.2f} h in {format_duration(elapsed)}: real-time factor "
            f"{elapsed / seconds:.3f}, at most {own_peak_mb():,.0f} MB of memory, weights included"
        )
    n_faults = len(corpus.faults()) + sum(len(store.open(session).faults) for session in identities)
    if n_faults:
        count = f"{n_faults} fault{'s' * (n_faults > 1)}"
        said = f"{count} of the corpus's files, which `emotion-hpo prepare` names"
        on_progress(done, total, said)


def _duration_s(tables: Iterable[pd.DataFrame]) -> float:
    """Seconds of the utterances of which the length is known."""
    return sum(float((table["end_s"] - table["start_s"]).sum()) for table in tables)


def _transcripts(table: pd.DataFrame) -> dict[str, dict[str, str | None]]:
    """Dialogue → utterance → what was said, if that is known."""
    dialogues: dict[str, dict[str, str | None]] = {}
    columns = (table["dialogue"], table["utterance_id"], table["transcript"])
    for dialogue, utterance_id, text in zip(*columns, strict=True):
        transcripts = dialogues.setdefault(dialogue, {})
        transcripts[utterance_id] = text if isinstance(text, str) else None
    return dialogues


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
