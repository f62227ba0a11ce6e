"""Declared tables as Arrow schemas."""

from __future__ import annotations

import pyarrow as pa

from sources.tables.decimals import PRECISION, SCALE
from sources.tables.declarations import Column, Kind, TableSchema

# Structs and lists load on DuckDB but not on PostgreSQL; JSON as text loads everywhere.
ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.PROSE: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.DECIMAL: pa.decimal128(PRECISION, SCALE),
    Kind.NUMBER: pa.float64(),
    Kind.JSON: pa.string(),
    Kind.DATE: pa.date32(),
}


def arrow_schema(table: TableSchema) -> pa.Schema:
    """Return the Arrow schema of a table; key columns are not nullable, as declared."""
    return pa.schema([_arrow_field(column) for column in table.columns])


def _arrow_field(column: Column) -> pa.Field:
    return pa.field(column.name, ARROW_TYPES[column.kind], nullable=column.nullable)
