"""Which utterances train, which validate, and which stay sealed.

A part has labelled utterances, and `turns` beside: all of their dialogues that whoever reads the
part may see. The rule that divides the labelled ones divides every turn, so that no part shows a
turn of another, and the sealed session shows its own alone.

`split` divides a feature store in two types that cannot be mistaken for each other. `Development`
holds utterances and hands them out, in one fold or several. `Holdout` holds none: it knows a store
and a session, or rows of all sessions, tells by the tables what these are, for the ledger to know
whether they were scored before, and reads their features only when `final` opens it, which it does
after it has written the ledger. A search is given the `Development` alone.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config import (
    GivenSplit,
    LosoSplit,
    PaperSplit,
    RowsSplit,
    SessionSplit,
    SpeakersSplit,
    SplitConfig,
)
from emotion_hpo.config.split import NEXT
from emotion_hpo.config.training import Perturbation
from emotion_hpo.corpus.schema import number_turns
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.shard import Shard
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.utterances import Overlaid, Shelf, Utterances
from emotion_hpo.runtime.contents import NAME, WORDS, Content, merged, name_mark, words_mark
from emotion_hpo.splits.rows import divide_rows, mask_rows

#: So many values of a column are named.
_N_NAMED = 5


@dataclass(frozen=True)
class Fold:
    """One way to divide the development utterances.

    Attributes:
        name: The session or speaker that validates, or `validation` where there is but one fold.
        train: What a training learns from; its `turns` are those of the training part alone.
        validation: What it is judged on; its `turns` are those of the validation part alone.
    """

    name: str
    train: Utterances
    validation: Utterances


@dataclass(frozen=True)
class Development:
    """All utterances that a search may look at.

    Attributes:
        folds: What a trial trains and judges on, in this order; no utterance validates twice.
        everything: What the final training learns from; its `turns` are all that are not sealed.
        copies: What was changed of every recording → session → the shard of the changed ones.
    """

    folds: tuple[Fold, ...]
    everything: Utterances
    copies: Mapping[Perturbation, Callable[[str], Shard]] = field(default_factory=dict)

    @property
    def has_new_speakers(self) -> bool:
        """Whether no speaker validates whom the same fold trains on."""
        pairs = (
            (set(fold.train.table["speaker"]), set(fold.validation.table["speaker"]))
            for fold in self.folds
        )
        return all(trained.isdisjoint(validated) for trained, validated in pairs)

    @property
    def validation(self) -> Utterances:
        """Return the validation utterances of all folds, sorted by id.

        They have no other turns beside them: which may be seen is each fold's own.
        """
        ids = [id_ for fold in self.folds for id_ in fold.validation.ids]
        selected = self.everything.select(ids)
        return selected.among(selected)

    def with_copies(self, train: Utterances, perturbations: Iterable[Perturbation]) -> Utterances:
        """Return a training part, and after it each of its utterances again for each perturbation.

        A copy differs in what is made of its recording, and in its speaker: nobody else's voice is
        scaled as it is. Words, motion and what is ready-made are the utterance's own.
        """
        return train.followed_by(self._copy(train, copy) for copy in perturbations)

    def _copy(self, train: Utterances, perturbation: Perturbation) -> Utterances:
        """Return the utterances of a part as if their recordings were the changed ones."""

        def change(shelf: Shelf) -> Shelf:
            assert isinstance(shelf, Shard), "a part of a store"
            return Overlaid(shelf, self.copies[perturbation](shelf.session))

        copied = train.on_other_shelves(change)
        speakers = [f"{speaker}, {perturbation}" for speaker in copied.table["speaker"]]
        copied.table = copied.table.assign(speaker=speakers)
        return copied


@dataclass(frozen=True)
class Holdout:
    """The sealed test part: where it lies, not what is in it.

    Attributes:
        store: Where its features are.
        session: Its name.
        scenario: Of its utterances, where only these are scored.
        rows: Which rows of all sessions it is, where it is no session.
    """

    store: FeatureStore
    session: str
    scenario: str | None = None
    rows: RowsSplit | None = None

    @property
    def _shards(self) -> tuple[Shard, ...]:
        """The sessions that it may have rows of."""
        names = (self.session,) if self.rows is None else self.store.sessions
        return tuple(map(self.store.open, names))

    @property
    def _turns(self) -> Utterances:
        """The turns of the sessions that it may have rows of; no feature is read yet."""
        return _of_scenario(Utterances.from_shards(self._shards, self.store.classes), self.scenario)

    @property
    def _table(self) -> pd.DataFrame:
        """The labelled utterances of its rows."""
        assert self.rows is not None, "a session is read from its own table"
        table = self._turns.table
        return table[mask_rows(table, self.rows.test) & table["emotion"].notna().to_numpy(bool)]

    @cached_property
    def content(self) -> Content:
        """Return what identifies the sealed utterances, whatever their scenario and features."""
        if self.rows is None:
            return read_content(self.store.open(self.session))
        sealed = frozenset(self._table["utterance_id"])
        return merged(read_content(shard, sealed) for shard in self._shards)

    def counts(self) -> dict[str, int]:
        """Count the labelled utterances of each class, by the session's table alone."""
        if self.rows is not None:
            emotions = self._table["emotion"]
            return {label: int((emotions == label).sum()) for label in self.store.classes}
        table = self.store.open(self.session).table
        if self.scenario is not None:
            table = table[(table["scenario"] == self.scenario).to_numpy(bool, na_value=False)]
        return {label: int((table["emotion"] == label).sum()) for label in self.store.classes}

    def unseal(self) -> Utterances:
        """Read the test utterances; only `final` may, after it has written the ledger.

        Their `turns` are those of the sealed part alone.
        """
        turns = self._turns
        if self.rows is None:
            return turns.labelled()
        return _select(turns, mask_rows(turns.table, self.rows.test))


def read_content(shard: Shard, ids: Container[str] | None = None) -> Content:
    """Read what identifies a session: the marks of its recordings, words, names and labels.

    Context does not count: a session is the same with it or without.

    Args:
        shard: The session.
        ids: Of its utterances, those that count; None: all.
    """
    rows = shard.table[["utterance_id", "speaker", "emotion", "transcript"]]
    rows = rows[rows["emotion"].notna()]
    if ids is not None:
        rows = rows[[name in ids for name in rows["utterance_id"]]]
    utterances = []
    for name, speaker, emotion, transcript in rows.itertuples(index=False):
        marks = dict(shard.marks[name]) | {NAME: name_mark(name, speaker, emotion)}
        words = words_mark(transcript) if isinstance(transcript, str) else None
        utterances.append(marks | ({WORDS: words} if words is not None else {}))
    return Content(tuple(utterances))


def check_sessions(config: SplitConfig, sessions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sessions that are not sealed.

    Raises:
        ConfigError: A session does not exist, or none is left to train on.
    """
    if isinstance(config, GivenSplit):
        _check_values(config, sessions)
        return config.train, config.validation
    if isinstance(config, RowsSplit):
        return sessions
    n_needed = 3 if isinstance(config, SpeakersSplit | SessionSplit) else 2
    if len(sessions) < n_needed:
        raise ConfigError(
            f"split: the corpus has {len(sessions)} session{'s' * (len(sessions) > 1)} "
            f"({', '.join(sessions)}), and split={config.name} needs {n_needed}: one is sealed as "
            "the test; divide the corpus into more (the column session of a manifest)"
        )
    _known(config.test_session, "split.test_session", sessions)
    rest = tuple(session for session in sessions if session != config.test_session)
    if isinstance(config, SpeakersSplit) and config.validation_session != NEXT:
        _known(config.validation_session, "split.validation_session", rest)
    return rest


def _check_values(config: GivenSplit, values: tuple[str, ...]) -> None:
    """Raise unless a column holds the values of the three parts, and no other.

    Raises:
        ConfigError: A part has no row, or a row is of no part.
    """
    parts = {"train": config.train, "validation": config.validation, "test": config.test}
    for part, value in parts.items():
        if value not in values:
            raise ConfigError(
                f"split.{part}: no row of the table has {value!r} in the column "
                f"{config.column!r}; there are {', '.join(values)}"
            )
    if others := [value for value in values if value not in parts.values()]:
        raise ConfigError(
            f"split.column: rows with {', '.join(others[:_N_NAMED])} in the column "
            f"{config.column!r} would be of no part, beside {', '.join(parts.values())}; take "
            "them out of the table, or give them one of these values"
        )


def validation_session(config: SpeakersSplit, sessions: tuple[str, ...]) -> str:
    """Return the session that validates.

    Args:
        config: It names one, or the next: that after the test session, after the last the first.
        sessions: All of the corpus, sorted.
    """
    if config.validation_session != NEXT:
        return config.validation_session
    return sessions[(sessions.index(config.test_session) + 1) % len(sessions)]


def split(store: FeatureStore, config: SplitConfig) -> tuple[Development, Holdout]:
    """Divide a store into what a search may see and what it may not.

    Raises:
        ConfigError: A session does not exist, a part would be empty, or a training part of one
            class.
    """
    rest = check_sessions(config, store.sessions)
    rows = config if isinstance(config, RowsSplit) else None
    whole = Utterances.from_shards(tuple(map(store.open, rest)), store.classes)
    if not isinstance(config, GivenSplit):  # whose sessions are parts, which may share a dialogue
        whole.table["dialogue"] = _name_apart(whole.table)
    turns = _of_scenario(whole, config.scenario)
    folds: tuple[Fold, ...]
    if rows is not None:
        folds = (_fold_of_rows(turns, rows),)
        everything = _join(turns, folds[0])
    else:
        folds = tuple(
            Fold(name, train=_select(turns, ~validates), validation=_select(turns, validates))
            for name, validates in _validation_rows(turns, config, store.sessions).items()
        )
        everything = turns.labelled()
    _refuse_one_class(folds)
    copies = {copy: cache(changed.open) for copy, changed in store.copies.items()}
    holdout = Holdout(store, config.test_session, config.scenario, rows)
    return Development(folds, everything, copies), holdout


def _fold_of_rows(turns: Utterances, config: RowsSplit) -> Fold:
    """Return the fold of a published protocol; the test part validates where it asks for that.

    Raises:
        ConfigError: A part has no utterance.
    """
    parts = divide_rows(turns.table, config)
    for part, is_meant in parts.items():
        if not (turns.labels[is_meant] >= 0).any():
            raise ConfigError(f"split: the {part} part of this protocol has no utterance here")
    train, validation = _select(turns, parts["training"]), _select(turns, parts["validation"])
    return Fold("validation", train=train, validation=validation)


def _join(turns: Utterances, fold: Fold) -> Utterances:
    """Return both parts of a fold together."""
    ids = {*fold.train.turns.ids, *fold.validation.turns.ids}
    return _select(turns, turns.table["utterance_id"].isin(ids).to_numpy(bool))


def _name_apart(table: pd.DataFrame) -> "pd.Series[str]":
    """Return the names of dialogues, after the session's where several sessions have the same."""
    names = table["dialogue"]
    is_shared = table.groupby("dialogue")["session"].transform("nunique") > 1
    return names.mask(is_shared, table["session"] + "/" + names)


def _select(turns: Utterances, is_seen: NDArray[np.bool_]) -> Utterances:
    """Select the labelled utterances among some turns, which are all that their readers see."""
    return _take(turns, np.flatnonzero(is_seen)).labelled()


def _take(turns: Utterances, rows: NDArray[np.int64]) -> Utterances:
    """Take some turns, their places in dialogues counted anew, so that they tell of no other."""
    taken = turns.subset(rows)
    taken.table["turn"] = number_turns(taken.table)
    return taken


def _refuse_one_class(folds: tuple[Fold, ...]) -> None:
    """Raise if a training part leaves nothing to tell apart.

    Raises:
        ConfigError: With the fold, and the class that its training part has alone.
    """
    for fold in folds:
        labels = fold.train.labels
        if len(set(labels)) == 1:
            raise ConfigError(
                f"split: the training part of fold {fold.name!r} has one class alone, "
                f"{fold.train.classes[labels[0]]!r}, so that there is nothing to learn; take "
                "another split, split.test_session or split.validation_session"
            )


def _of_scenario(whole: Utterances, scenario: str | None) -> Utterances:
    """Select the turns of a scenario, or all of them.

    Raises:
        ConfigError: There is none.
    """
    if scenario is None:
        return whole
    rows = np.flatnonzero((whole.table["scenario"] == scenario).to_numpy(bool, na_value=False))
    if not (whole.labels[rows] >= 0).any():
        raise ConfigError(f"split.scenario: no utterance here is {scenario}; leave it at null")
    return _take(whole, rows)


def _validation_rows(
    turns: Utterances, config: SplitConfig, sessions: tuple[str, ...]
) -> dict[str, NDArray[np.bool_]]:
    """Return which turns, labelled or not, are of the validation part of each fold."""
    match config:
        case PaperSplit():
            labelled = np.flatnonzero(turns.labels >= 0)
            n = config.n_validation
            n_validation = round(n * len(labelled)) if n < 1 else int(n)
            if not 0 < n_validation < len(labelled):
                raise ConfigError(
                    f"split.n_validation: 0 < n_validation < {len(labelled)} (the development "
                    f"utterances) must hold, but got {n}"
                )
            return {"validation": np.arange(len(turns)) >= labelled[-n_validation]}
        case SpeakersSplit():
            validates = turns.table["session"] == validation_session(config, sessions)
            return {"validation": validates.to_numpy(bool)}
        case GivenSplit():
            validates = turns.table["session"] == config.validation
            return {"validation": validates.to_numpy(bool)}
        case SessionSplit():
            return _each(turns, "session")
        case LosoSplit():
            return _each(turns, "speaker")
        case RowsSplit():
            raise AssertionError("its rows are chosen by `_fold_of_rows`")


def _each(turns: Utterances, column: str) -> dict[str, NDArray[np.bool_]]:
    """Return the turns of each value of a column that a labelled one has.

    Raises:
        ConfigError: There is but one value, and nothing would be left to train on.
    """
    values = sorted(turns.table[column][turns.labels >= 0].unique())
    if len(values) < 2:
        raise ConfigError(
            f"split: with one {column} alone in the development part, nothing is left to train on"
        )
    return {str(value): (turns.table[column] == value).to_numpy(bool) for value in values}


def _known(session: str, path: str, sessions: tuple[str, ...]) -> None:
    if session not in sessions:
        raise ConfigError(f"{path}: no session {session!r}; there are {', '.join(sessions)}")
