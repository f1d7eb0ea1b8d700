"""Which utterances a folder of recordings or a table names, before anything of them is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from emotion_hpo.corpus.faults import refuse_rows
from emotion_hpo.corpus.manifest_features import FeatureFile
from emotion_hpo.corpus.manifest_file import Columns, read_columns
from emotion_hpo.errors import FeatureError
from emotion_hpo.predict.utterance import FEATURES

#: Columns of a table that say something of an utterance, beside `features.NAME`, and what it is.
_SOURCES = {"audio": "speech", "transcript": "text", "motion": "mocap"}

#: What `predict`, `serve` and MLflow call the words of an utterance.
_TEXT = "text"

#: Of a table; those of a manifest, and anybody's own, may stand beside them.
_COLUMNS = Columns(
    ("utterance_id",),
    (*_SOURCES, _TEXT, "start_s", "end_s", "speaker", "dialogue", "turn"),
    is_open=True,
    names=("utterance_id", "speaker"),
)


@dataclass(frozen=True)
class Row:
    """What is given of one utterance, not read yet.

    Attributes:
        utterance_id: Its name.
        cells: Column → value; without those that are missing.
        folder: That paths are relative to.
        place: Of a table, the file and line.
        files: Modality → the file of features that holds all utterances'.
    """

    utterance_id: str
    cells: Mapping[str, str]
    folder: Path = Path()
    place: str = ""
    files: Mapping[str, FeatureFile] = field(default_factory=dict)


def find_rows(source: Path, features: Mapping[str, Path] | None = None) -> list[Row]:
    """The utterances that a folder or a table holds, in order.

    Args:
        source: A folder of WAV files, or a table (`.csv`, `.tsv`, `.parquet`) with `utterance_id`
            and any of `audio`, `start_s`, `end_s`, `transcript` (or `text`), `motion`, `speaker`,
            `features.NAME`, and where dialogues are read `dialogue` and `turn`; its paths are
            relative to its own folder.
        features: Modality → a file of all utterances' features, as a manifest takes it.

    Raises:
        CorpusError: It is neither, or a row has no name of its own.
        FeatureError: It names no utterance, or nothing of them.
    """
    rows = _folder_rows(source) if source.is_dir() else _table_rows(source, bool(features))
    if not features:
        return rows
    if twice := [name for name in features if any(FEATURES + name in row.cells for row in rows)]:
        raise FeatureError(f"{FEATURES}{twice[0]} is a column of {source}, too; leave one out")
    ids = [row.utterance_id for row in rows]
    files = {name: FeatureFile(path, name, ids, "features") for name, path in features.items()}
    return [replace(row, files=files) for row in rows]


def missing_sources(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Return what a model may be given of an utterance, and no row gives, as a table names it.

    Args:
        rows: What `find_rows` gave.
        columns: What the model takes: `text`, `speech`, `mocap`, `features.NAME`.
    """
    given = {column for row in rows for column in row.cells}
    given |= {FEATURES + name for row in rows for name in row.files}
    names = {source: column for column, source in _SOURCES.items()}
    read = [names.get(column, column) for column in columns]
    return [column for column in read if column not in given]


def _folder_rows(folder: Path) -> list[Row]:
    rows = [
        Row(str(path.relative_to(folder).with_suffix("")), {"audio": str(path)})
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() == ".wav"
        and not path.name.startswith("._")  # what macOS leaves in archives
    ]
    if not rows:
        raise FeatureError(f"{folder} holds no .wav file")
    return rows


def _table_rows(path: Path, is_beside_features: bool) -> list[Row]:
    if not path.exists():
        raise FeatureError(f"{path}: no such file or folder")
    table, places = read_columns(path, _COLUMNS)
    if {_TEXT, "transcript"} <= {*table.columns}:
        raise FeatureError(f"{path}: transcript and {_TEXT} are both its words; leave one out")
    table = table.rename(columns={_TEXT: "transcript"})
    has_any = any(name in _SOURCES or name.startswith(FEATURES) for name in table.columns)
    if not has_any and not is_beside_features:
        raise FeatureError(
            f"{path}: a table needs one of the columns {', '.join(_SOURCES)}, {FEATURES}NAME"
        )
    if table.empty:
        raise FeatureError(f"{path} holds no utterance")
    ids = table["utterance_id"]
    if nameless := [place for place, name in zip(places, ids, strict=True) if name is None]:
        refuse_rows(nameless, "have no utterance_id")
    if twice := [places[row] for row in np.flatnonzero(ids.duplicated())]:
        refuse_rows(twice, "repeat an utterance_id")
    return [
        Row(
            cells["utterance_id"],
            {str(name): cell for name, cell in cells.items() if cell is not None},
            path.parent,
            place,
        )
        for cells, place in zip(table.to_dict("records"), places, strict=True)
    ]
