"""Merges and deletions that the events of a package tell of, as tables of the same package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sources.gladly.identity import EVENT_COLUMNS, IDENTITY, IDENTITY_EVENTS, identity_rows
from sources.tables.declarations import LINEAGE
from sources.tables.parquet import TableFile, read_batches, write_rows

_TABLES = {table.name: table for table in IDENTITY}
_COMMON = ("event_id", "type", "timestamp", *(column.name for column in LINEAGE))


def identity_files(tables: Iterable[TableFile], folder: Path) -> list[TableFile]:
    """Return the identity rows of a package, a table each; ``folder`` is where they are written."""
    found = identity_rows(event for file in tables for event in _identity_events(file))
    return [write_rows(folder, _TABLES[name], rows) for name, rows in found.items()]


def _identity_events(file: TableFile) -> Iterator[dict[str, Any]]:
    columns = EVENT_COLUMNS.get(file.table.name)
    if columns is None:
        return
    types = pa.array(IDENTITY_EVENTS, pa.string())
    for batch in read_batches(file, [*_COMMON, *columns]):
        yield from batch.filter(pc.is_in(batch.column("type"), types)).to_pylist()
