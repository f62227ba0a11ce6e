"""Rows as plain values: those a destination holds, and those of a package under way.

All instants are UTC, whatever the destination hands back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipelines.warehouse import Warehouse
from sources.gladly.snapshots import Row
from sources.tables.declarations import TableSchema
from sources.tables.parquet import TableFile, read_batches


def stored_rows(
    warehouse: Warehouse, table: TableSchema, where: str = "", *parameters: object
) -> list[Row]:
    """Return the current rows of a table, all columns; ``where`` as for ``Warehouse.read``."""
    names = [*table.columns_by_name]
    return [
        dict(zip(names, map(in_utc, values), strict=True))
        for values in warehouse.read(table.name, names, where, *parameters)
    ]


def rows_of(file: TableFile | None) -> list[Row]:
    """Return the rows of a table of a package; none if it has no such table."""
    if file is None:
        return []
    return [
        {name: in_utc(value) for name, value in row.items()}
        for batch in read_batches(file)
        for row in batch.to_pylist()
    ]


def in_utc(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    """Return a value of a row, an instant in UTC."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
