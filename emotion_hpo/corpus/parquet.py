"""Parquet tables: read without a thread, and their names as text.

Other than CSV, Parquet says of what type a column is. A whole number is a name that can be written
in one way alone; of a number with a point nobody knows any more whether it was 1.1 or 1.10.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read_parquet(path: Path) -> pa.Table:
    """Read a table in this thread alone: a process that is to be forked must have no other.

    Raises:
        OSError: There is no such file.
        pa.ArrowException: It is no such table.
    """
    return pq.ParquetFile(path, memory_map=True, pre_buffer=False).read(use_threads=False)


def names_as_text(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """The table with these columns, where it has them, as text.

    Raises:
        ValueError: One holds neither text nor whole numbers.
    """
    for index, field in enumerate(table.schema):
        if field.name not in set(names):
            continue
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not (is_text or pa.types.is_integer(kind) or pa.types.is_null(kind)):
            raise ValueError(
                f"column {field.name} holds names, but is of type {kind}, from which it cannot be "
                "told how they were written; store it as text"
            )
        column = table.column(index).cast(kind).cast(pa.string())
        table = table.set_column(index, field.name, column)
    return table
