"""The field's fixed protocols: which parts each has, fold by fold, over any corpus.

No fold validates on its own test part; what papers do that choose their epoch on the test part is a
split of its own beside it, for the figure that is to be laid beside theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emotion_hpo.config import GivenSplit, PaperSplit, Rows, RowsSplit, SpeakersSplit, SplitConfig
from emotion_hpo.config.split import ImprovisedSplit
from emotion_hpo.errors import ConfigError, unknown_name
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.splits.emobox import find_missing, fold_files, fold_number

#: 838 of the 3,838 utterances of Sessions 1 to 4 validate in the reference's search.
_VALIDATION_SHARE = 838 / 3838


@dataclass(frozen=True)
class CorpusParts:
    """What a protocol divides.

    Attributes:
        speakers: Session → its speakers, sorted.
        ids: Of all its turns.
        given: The split that the corpus itself gives, where the command names one.
        folds: Folder of EmoBox's folds of this corpus, such as `data/emodb`.
    """

    speakers: Mapping[str, tuple[str, ...]]
    ids: frozenset[str]
    given: GivenSplit | None = None
    folds: Path | None = None

    @property
    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return tuple(self.speakers)

    def after(self, session: str) -> str:
        """Return the session after this one, after the last the first."""
        return self.sessions[(self.sessions.index(session) + 1) % len(self.sessions)]


def parts_of(store: FeatureStore, config: SplitConfig, folds: Path | None = None) -> CorpusParts:
    """Return what a protocol divides of a corpus.

    Args:
        store: Of all sessions.
        config: The command's own split, of which `given` is one.
        folds: Folder of EmoBox's folds.
    """
    tables = {session: store.open(session).table for session in store.sessions}
    speakers = {
        session: tuple(sorted(table["speaker"][table["emotion"].notna()].unique()))
        for session, table in tables.items()
    }
    ids = frozenset(id_ for table in tables.values() for id_ in table["utterance_id"])
    return CorpusParts(speakers, ids, config if isinstance(config, GivenSplit) else None, folds)


@dataclass(frozen=True)
class ProtocolFold:
    """A test part, and what is trained for it.

    Attributes:
        name: Of the fold.
        split: What it trains and validates on, the test part sealed.
        on_test: The same with the test part in the place of validation, and validation trained on.
        remark: What a reader must know of it, or nothing.
    """

    name: str
    split: SplitConfig
    on_test: RowsSplit
    remark: str = ""


@dataclass(frozen=True)
class Protocol:
    """A named protocol.

    Attributes:
        name: As users type it.
        description: What it divides, in a line.
        folds: Makes its folds.
    """

    name: str
    description: str
    folds: Callable[[CorpusParts], tuple[ProtocolFold, ...]]


def _session5(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    last = parts.sessions[-1]
    split = PaperSplit(name="paper", test_session=last, n_validation=_VALIDATION_SHARE)
    return (ProtocolFold(last, split, _on_test(Rows(names=(last,)))),)


def _improvised(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    last = parts.sessions[-1]
    split = ImprovisedSplit(
        name="improvised_only", test_session=last, n_validation=_VALIDATION_SHARE
    )
    on_test = _on_test(Rows(names=(last,))).model_copy(update={"scenario": "improvised"})
    return (ProtocolFold(last, split, on_test),)


def _loso5(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    return tuple(
        ProtocolFold(
            session,
            SpeakersSplit(name="speakers", test_session=session, validation_session="next"),
            _on_test(Rows(names=(session,))),
        )
        for session in parts.sessions
    )


def _loso10(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    folds = []
    for session, speakers in parts.speakers.items():
        for speaker in speakers:
            test = Rows(column="speaker", names=(speaker,))
            validation = Rows(names=(parts.after(session),))  # the partner shares his dialogues
            split = RowsSplit(name="rows", test=test, validation=validation)
            folds.append(ProtocolFold(speaker, split, _on_test(test)))
    return tuple(folds)


def _tail20(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    test = Rows(last=0.2)
    validation = Rows(names=parts.sessions[:-1], last=0.2)
    split = RowsSplit(name="rows", test=test, validation=validation)
    return (ProtocolFold("last fifth", split, _on_test(test)),)


def _given(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    if parts.given is None:
        raise ConfigError(
            "protocol=given needs the column that divides the corpus: add split=given, and "
            "split.column where it is not `split`"
        )
    given = parts.given
    on_test = RowsSplit(
        name="rows",
        session_column=given.column,
        test=Rows(names=(given.test,)),
        validation="test",
        train=Rows(names=(given.train, given.validation)),
        scenario=given.scenario,
    )
    return (ProtocolFold(given.test, given, on_test),)


def _emobox(parts: CorpusParts) -> tuple[ProtocolFold, ...]:
    folds = []
    for file in fold_files(parts.folds):
        train_file = file.with_name(file.name.replace("_test_", "_train_"))
        name = f"fold {fold_number(file)}"
        missing = find_missing(file, parts.ids)
        if lost := missing.describe_lost():
            raise ConfigError(
                f"{file}: {lost}; name the folder of this corpus's folds by folds=FOLDER, and "
                "leave out none of its recordings"
            )
        missing_train = find_missing(train_file, parts.ids)
        remarks = (
            ("test", missing.describe_left_out()),
            ("training", missing_train.describe_left_out()),
            ("training", missing_train.describe_lost()),
        )
        remark = " ".join(f"{name}, {part}: {words}." for part, words in remarks if words)
        test, train = Rows(file=file), Rows(file=train_file)
        # Most of its folds have no validation part: each fifth utterance of training, by id
        validation = train.model_copy(update={"every": 5})
        split = RowsSplit(name="rows", test=test, validation=validation, train=train)
        on_test = _on_test(test).model_copy(update={"train": train})
        folds.append(ProtocolFold(name, split, on_test, remark))
    return tuple(folds)


def _on_test(test: Rows) -> RowsSplit:
    return RowsSplit(name="rows", test=test, validation="test")


_ROWS = (
    Protocol("session5", "the last session is the test; of the rest the last 22 % by id validate",
             _session5),
    Protocol("loso5", "each session is the test once, and the next one validates", _loso5),
    Protocol("loso10", "each speaker is the test once, and the next session validates", _loso10),
    Protocol("tail20", "the last fifth by id is the test, whose session has rows in training, too; "
             "the last fifth of what is left of the other sessions validates", _tail20),
    Protocol("improvised", "as session5, improvised dialogues alone", _improvised),
    Protocol("given", "as a column of the corpus says", _given),
    Protocol("emobox", "EmoBox's folds by its own files; each fifth row of training validates",
             _emobox),
)  # fmt: skip

#: Name → protocol.
PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _ROWS}


def find_protocol(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"protocol: {unknown_name('protocol', name, PROTOCOLS)}")
    return PROTOCOLS[name]


def check_folds(protocol: Protocol, folder: Path | None) -> None:
    """Check that the folder of EmoBox's folds is named where they are needed, and nowhere else.

    Raises:
        ConfigError: It is not, or it has no fold.
    """
    if protocol.name == "emobox":
        fold_files(folder)
    elif folder is not None:
        raise ConfigError(
            f"folds is read by protocol=emobox alone, not by {protocol.name}; leave it out, or "
            "take protocol=emobox"
        )
