"""Which rows a part of a published protocol has: `config.split.Rows` over an utterance table."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config import Rows
from emotion_hpo.errors import ConfigError

Mask = NDArray[np.bool_]


def mask_rows(table: pd.DataFrame, rows: Rows) -> Mask:
    """Return which turns are meant, labelled or not, `(n,)`; the table is sorted by id.

    A turn without a class is counted by no share: it goes with the labelled ones around it, as in
    `split=paper`.

    Raises:
        ConfigError: A file of a protocol cannot be read.
    """
    is_meant = np.ones(len(table), bool)
    if rows.names is not None:
        is_meant &= table[rows.column].isin(rows.names).to_numpy(bool)
    if rows.file is not None:
        is_meant &= table["utterance_id"].isin(read_ids(rows.file)).to_numpy(bool)
    labelled = np.flatnonzero(is_meant & table["emotion"].notna().to_numpy(bool))
    if rows.every is not None:
        is_meant = np.isin(np.arange(len(table)), labelled[rows.every - 1 :: rows.every])
    if rows.last is not None:
        n_before = int(len(labelled) * (1 - rows.last))  # as Keras cuts its `validation_split`
        first = labelled[n_before] if n_before < len(labelled) else len(table)
        is_meant &= np.arange(len(table)) >= first
    return is_meant


def read_ids(path: Path) -> frozenset[str]:
    """Read the utterances of a fold's file, as EmoBox writes it.

    Raises:
        ConfigError: It is not there, or a line of it has no key.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; name the folder of EmoBox's folds, "
                          "such as data/emodb, by folds=FOLDER") from None  # fmt: skip
    ids = set()
    for number, line in enumerate(lines, start=1):
        try:
            key = str(json.loads(line)["key"])
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{path}:{number}: no JSON with a `key`, as EmoBox writes") from None
        ids.add(key.partition("-")[2] or key)
    return frozenset(ids)
