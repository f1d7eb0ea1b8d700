"""Which rows a part of a published protocol has: `config.split.Rows` over an utterance table."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config import Rows, RowsSplit
from emotion_hpo.splits.emobox import read_ids

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
        ids = table["utterance_id"]
        is_meant &= ids.isin(read_ids(rows.file, frozenset(ids))).to_numpy(bool)
    labelled = np.flatnonzero(is_meant & table["emotion"].notna().to_numpy(bool))
    if rows.every is not None:
        is_meant = np.isin(np.arange(len(table)), labelled[rows.every - 1 :: rows.every])
    if rows.last is not None:
        n_before = int(len(labelled) * (1 - rows.last))  # as Keras cuts its `validation_split`
        first = labelled[n_before] if n_before < len(labelled) else len(table)
        is_meant &= np.arange(len(table)) >= first
    return is_meant


def divide_rows(table: pd.DataFrame, config: RowsSplit) -> dict[str, Mask]:
    """Return which turns test, validate and train, each `(n,)`; the table is sorted by id.

    Shares of validation are of the turns that do not test. What tests validates, too, where the
    split asks for that.

    Raises:
        ConfigError: A file of a protocol cannot be read.
    """
    tests = mask_rows(table, config.test)
    validates, trains = tests, ~tests
    if config.validation != "test":
        validates = np.zeros(len(table), bool)
        validates[~tests] = mask_rows(table[~tests], config.validation)
        trains &= ~validates
    if config.train is not None:
        trains &= mask_rows(table, config.train)
    return {"test": tests, "validation": validates, "training": trains}
