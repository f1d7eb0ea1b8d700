"""Which utterances train, which validate, and which stay sealed.

`split` divides a feature store in two types that cannot be mistaken for each other. `Development`
holds utterances and hands them out. `Holdout` holds none: it knows a store and a session, and reads
that session's shard only when `final` opens it. A search is given the `Development` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config import PaperSplit, SpeakersSplit, SplitConfig
from emotion_hpo.errors import ConfigError, HoldoutError
from emotion_hpo.features.store import FeatureStore, Shard


class Shelf(Protocol):
    """Where features stand: a shard on disk, or arrays in memory."""

    @property
    def features(self) -> Mapping[str, Any]:
        """Modality → something whose `[row]` is `(frames, d)` float32."""
        ...


class Utterances:
    """Some rows of some shards, sorted by id, with their features.

    Attributes:
        table: The utterance table of these rows.
        classes: Emotions in the order of the labels.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        classes: tuple[str, ...],
        shards: tuple[Shelf, ...],
        places: NDArray[np.int64],
    ) -> None:
        self.table = table
        self.classes = classes
        self._shards = shards
        self._places = places  # (n, 2): which shard, which row in it

    @classmethod
    def of(cls, shards: tuple[Shard, ...], classes: tuple[str, ...]) -> "Utterances":
        """All rows of some shards."""
        table = pd.concat([shard.table for shard in shards], ignore_index=True)
        places = np.concatenate(
            [
                np.stack([np.full(len(shard.table), index), np.arange(len(shard.table))], axis=1)
                for index, shard in enumerate(shards)
            ]
        )
        order = np.argsort(table["utterance_id"].to_numpy(), kind="stable")
        return cls(table.iloc[order].reset_index(drop=True), classes, shards, places[order])

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.table)

    @property
    def ids(self) -> list[str]:
        """Utterance ids in order."""
        return list(self.table["utterance_id"])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each utterance `(n,)`."""
        codes = pd.Categorical(self.table["emotion"], categories=list(self.classes)).codes
        return codes.astype(np.int64)

    def sequence(self, modality: str, row: int) -> NDArray[np.float32]:
        """Stored features `(frames, d)` of one utterance; no frame where it has none."""
        shard, place = self._places[row]
        frames: NDArray[np.float32] = self._shards[shard].features[modality][place]
        return frames

    def subset(self, rows: NDArray[np.int64] | slice) -> "Utterances":
        """Some of these utterances, in order."""
        table = self.table.iloc[rows].reset_index(drop=True)
        return Utterances(table, self.classes, self._shards, self._places[rows])

    def named(self, ids: list[str]) -> "Utterances":
        """The utterances of these ids, in order of ids.

        Raises:
            HoldoutError: An id is not among them, as every sealed utterance's is.
        """
        here = pd.Index(self.table["utterance_id"])
        if missing := sorted(set(ids) - set(here)):
            raise HoldoutError(
                f"{missing[0]} is not among the development utterances: it does not exist, or it "
                "is sealed in the holdout"
            )
        return self.subset(np.sort(here.get_indexer(ids)).astype(np.int64))


@dataclass(frozen=True)
class Development:
    """All utterances that a search may look at.

    Attributes:
        train: What the search trains on.
        validation: What it judges on.
        everything: Both, for the final training.
    """

    train: Utterances
    validation: Utterances
    everything: Utterances


@dataclass(frozen=True)
class Holdout:
    """The sealed test part: where it lies, not what is in it."""

    store: FeatureStore
    session: str

    @property
    def key(self) -> str:
        """Identity of the sealed recordings, whatever is extracted from them."""
        return f"{self.store.corpus_name}/{self.session}-{self.store.contents[self.session]}"

    def unseal(self) -> Utterances:
        """Read the test utterances. Only `final` may, after it has written the ledger."""
        return Utterances.of((self.store.open(self.session),), self.store.classes)


def check_sessions(config: SplitConfig, sessions: tuple[str, ...]) -> tuple[str, ...]:
    """The sessions that are not sealed.

    Raises:
        ConfigError: A session does not exist, or none is left to train on.
    """
    _known(config.test_session, "split.test_session", sessions)
    rest = tuple(session for session in sessions if session != config.test_session)
    if isinstance(config, SpeakersSplit):
        _known(config.validation_session, "split.validation_session", rest)
    if len(rest) <= isinstance(config, SpeakersSplit):
        raise ConfigError(
            f"split: with session {config.test_session} sealed, too few of the corpus's "
            f"{len(sessions)} sessions are left"
        )
    return rest


def split(store: FeatureStore, config: SplitConfig) -> tuple[Development, Holdout]:
    """Divide a store into what a search may see and what it may not.

    Raises:
        ConfigError: A session does not exist, or a part would be empty.
    """
    rest = check_sessions(config, store.sessions)
    everything = Utterances.of(tuple(map(store.open, rest)), store.classes)
    in_validation = _validation_rows(everything, config)
    development = Development(
        train=everything.subset(np.flatnonzero(~in_validation)),
        validation=everything.subset(np.flatnonzero(in_validation)),
        everything=everything,
    )
    return development, Holdout(store, config.test_session)


def _validation_rows(everything: Utterances, config: SplitConfig) -> NDArray[np.bool_]:
    match config:
        case PaperSplit():
            n = config.n_validation
            n_validation = round(n * len(everything)) if n < 1 else int(n)
            if not 0 < n_validation < len(everything):
                raise ConfigError(
                    f"split.n_validation: 0 < n_validation < {len(everything)} (the development "
                    f"utterances) must hold, but got {n}"
                )
            return np.arange(len(everything)) >= len(everything) - n_validation
        case SpeakersSplit():
            return (everything.table["session"] == config.validation_session).to_numpy(bool)


def _known(session: str, path: str, sessions: tuple[str, ...]) -> None:
    if session not in sessions:
        raise ConfigError(f"{path}: no session {session!r}; there are {', '.join(sessions)}")
