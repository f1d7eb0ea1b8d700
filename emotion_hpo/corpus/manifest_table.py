"""The table of a manifest, checked row by row.

Every complaint names the column, and the first ten offending rows.
"""

import json
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from emotion_hpo.config.split import SESSION
from emotion_hpo.corpus.faults import refuse_rows
from emotion_hpo.corpus.labels import check_labels
from emotion_hpo.corpus.manifest_file import Columns, read_columns
from emotion_hpo.corpus.schema import COLUMNS, find_repeated_turns
from emotion_hpo.corpus.votes import read_votes
from emotion_hpo.errors import CorpusError

REQUIRED = ("utterance_id", "speaker", SESSION, "emotion")
#: How the corpus's makers divide it, for `split=given`; other splits do not look at it.
SPLIT = "split"
NAMES = (*REQUIRED, "dialogue")
#: May be missing: its row is context then.
EMOTION = "emotion"
NUMBERS = ("turn", "start_s", "end_s", "valence", "activation", "dominance")
#: What else a manifest may say; the flags of what is there are found out.
OPTIONAL = tuple(
    name for name in COLUMNS if name not in REQUIRED and not name.startswith("has_")
)  # fmt: skip
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Rows:
    """A manifest's rows, in the file's order.

    Attributes:
        table: All columns of the utterance table but the flags.
        has_dialogues: Whether the file says which utterances belong together.
        has_times: Whether it says when each starts and ends.
        has_turns: Whether it says which place in its dialogue each has.
    """

    table: pd.DataFrame
    has_dialogues: bool
    has_times: bool
    has_turns: bool

    @property
    def has_order(self) -> bool:
        """Whether it says how dialogues run; times in several recordings do not."""
        if not self.has_dialogues or not self.has_times:
            return self.has_turns
        n_recordings = self.table.groupby(["session", "dialogue"])["audio"].nunique()
        return self.has_turns or bool((n_recordings <= 1).all())


def read_rows(path: Path, classes: tuple[str, ...], session_column: str = SESSION) -> Rows:
    """Read and check a manifest's table.

    Args:
        path: A CSV (`.csv`, or `.tsv` with tabs) or Parquet table.
        classes: That must occur, if there are any.
        session_column: Column of which the sessions are taken; `session` may then be absent.

    Raises:
        CorpusError: The file cannot be read, a column is unknown or missing, or rows are wrong, of
            which the first ten are named.
    """
    raw, places = read_columns(path, _columns(session_column))
    if raw.empty:
        raise CorpusError(f"{path}: the table has no row")
    given = set(raw.columns)
    if session_column != SESSION and {SESSION, "dialogue"} <= given:
        raw["dialogue"] = _name_in_session(raw)
    raw[SESSION] = raw[session_column]
    if "dialogue" not in given:
        raw["dialogue"] = raw["utterance_id"]
    table = raw.reindex(columns=[*REQUIRED, *OPTIONAL]).astype(object)
    table = table.where(table.notna(), None)
    is_context = table[EMOTION].isna()
    for column in NAMES:
        written = session_column if column == SESSION else column
        is_missing = table[column].isna()
        if column != EMOTION:
            _refuse(is_missing, places, f"have no {written}")
        names = table[column].map(str)
        controls = names.map(lambda name: any(map(_is_control, name)))
        _refuse(controls.astype(bool), places, f"have a line break or control sign in {written}")
        table[column] = names.mask(is_missing)
    first = dict(zip(reversed(table["utterance_id"]), reversed(places), strict=True))
    ids = table["utterance_id"]
    _refuse(
        ids.duplicated(),
        places,
        "repeat an utterance_id",
        lambda i: f"{ids[i]}, first in {first[ids[i]]}",
    )
    for column in NUMBERS:
        table[column] = _numbers(table[column], column, places)
    if {"start_s", "end_s"} & given:
        if not {"start_s", "end_s"} <= given:
            raise CorpusError(f"{path}: start_s and end_s go together")
        for column in ("start_s", "end_s"):
            _refuse(table[column].isna(), places, f"have no {column}")
        start_s, end_s = table["start_s"], table["end_s"]
        _refuse(start_s < 0, places, "have a start_s below 0", lambda i: f"{start_s[i]:g}")
        _refuse(
            end_s <= start_s,
            places,
            "end before they start",
            lambda i: f"start_s {start_s[i]:g}, end_s {end_s[i]:g}",
        )
    if "turn" in given:
        _check_turns(path, table, places, has_dialogues="dialogue" in given)
    truths = table["wears_markers"].map(lambda text: text is None or str(text).lower() in _TRUTHS)
    _refuse(~truths.astype(bool), places, "have a wears_markers that is neither true nor false")
    table["wears_markers"] = table["wears_markers"].map(
        lambda text: None if text is None else _TRUTHS[str(text).lower()]
    )
    table["votes"] = _votes(table["votes"], places)
    labels = {label: label for label in table[EMOTION].dropna()}
    check_labels("corpus.classes", classes, labels, str(path))
    rows = Rows(table, "dialogue" in given, "start_s" in given, "turn" in given)
    if not rows.has_order:
        _refuse(
            is_context,
            places,
            "have no emotion; as context, they need dialogue and turn, or dialogue and start_s in "
            "one recording a dialogue",
        )
    return rows


def _check_turns(
    path: Path, table: pd.DataFrame, places: list[str], *, has_dialogues: bool
) -> None:
    """Refuse places of turns that order no dialogue.

    Raises:
        CorpusError: There are no dialogues, or a turn has no place, or another one's.
    """
    if not has_dialogues:
        raise CorpusError(f"{path}: turn needs the column dialogue, in which it is the place")
    turn = table["turn"]
    _refuse(turn.isna(), places, "have no turn")
    _refuse(turn % 1 != 0, places, "have a turn that is no whole number", lambda i: f"{turn[i]:g}")
    _refuse(
        find_repeated_turns(table),
        places,
        "have the same turn as another row of their dialogue",
        lambda i: f"dialogue {table['dialogue'][i]}, turn {turn[i]:g}",
    )


def _name_in_session(raw: pd.DataFrame) -> "pd.Series[Any]":
    """Return the names of dialogues after those of their sessions, which another column replaces.

    Of every row alone: what the rows of a part are called tells nothing of another part's.
    """
    names, sessions = raw["dialogue"], raw[SESSION]
    is_both = names.notna() & sessions.notna()
    return names.mask(is_both, sessions.astype(str) + "/" + names.astype(str))


def _columns(session_column: str) -> Columns:
    """Return which columns a table may have, if the sessions are those of one of them."""
    required = tuple(dict.fromkeys(session_column if c == SESSION else c for c in REQUIRED))
    optional = tuple(c for c in (*OPTIONAL, SESSION, SPLIT) if c not in required)
    return Columns(required, optional, names=(*NAMES, session_column))


def _is_control(letter: str) -> bool:
    """Whether a letter breaks a line or steers a terminal, rather than being shown."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp")


def _numbers(column: "pd.Series[float]", name: str, places: list[str]) -> "pd.Series[float]":
    def number(value: object) -> float | None:
        try:
            parsed = math.nan if value is None else float(str(value))
        except ValueError:
            return None
        # Python takes 1_5 for 15.
        return None if math.isinf(parsed) or "_" in str(value) else parsed

    numbers = [number(value) for value in column]
    wrong = pd.Series([value is None for value in numbers], dtype=bool)
    _refuse(wrong, places, f"have a {name} that is no number", lambda i: repr(column[i]))
    return pd.Series(numbers, index=column.index, dtype=float)


def _votes(column: "pd.Series[Any]", places: list[str]) -> "pd.Series[Any]":
    """Each row's votes as JSON of counts, or None."""
    read = [None if text is None else read_votes(text) for text in column]
    wrong = pd.Series([isinstance(votes, str) for votes in read], dtype=bool)
    _refuse(
        wrong,
        places,
        'have votes that are no counts or labels in JSON, such as {"happy": 2, "sad": 1} or '
        '["happy", "happy", "sad"]',
        lambda i: f"{column[i]:.60}: {read[i]}",
    )
    counts = [None if votes is None else json.dumps(votes) for votes in read]
    return pd.Series(counts, index=column.index, dtype=object)


def _refuse(
    wrong: "pd.Series[bool]",
    places: list[str],
    what: str,
    detail: Callable[[int], str] | None = None,
) -> None:
    """Raise if any row is wrong."""
    rows = [i for i, is_wrong in enumerate(wrong) if is_wrong]
    if rows:
        refuse_rows([f"{places[i]} ({detail(i)})" if detail else places[i] for i in rows], what)
