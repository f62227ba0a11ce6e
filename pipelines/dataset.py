"""Declared tables as dlt sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema
from dlt.common.schema.utils import new_table

from pipelines.compression import COMPRESSED_HINT
from sources.tables.decimals import PRECISION, SCALE
from sources.tables.declarations import Column, Kind, TableSchema

_DATA_TYPES = {
    Kind.TEXT: "text",
    Kind.PROSE: "text",
    Kind.INTEGER: "bigint",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.DECIMAL: "decimal",
    Kind.NUMBER: "double",
    Kind.JSON: "json",
    Kind.DATE: "date",
}
_LONG = frozenset({Kind.PROSE, Kind.JSON})


def dlt_columns(table: TableSchema, *, json_as_text: bool) -> list[TColumnSchema]:
    """Return the columns of a table with explicit types: dlt never has to guess one."""
    return [_dlt_column(column, json_as_text=json_as_text) for column in table.columns]


def dlt_schema(name: str, tables: Iterable[TableSchema], *, json_as_text: bool) -> Schema:
    """Return a dlt schema that holds all declared tables, described, with or without data."""
    schema = Schema(name)
    for table in tables:
        declared = new_table(table.name, columns=dlt_columns(table, json_as_text=json_as_text))
        declared["description"] = table.description
        # dlt shows, in its datasets and views, only tables that are marked so; ours always exist
        declared["x-normalizer"] = {"seen-data": True}
        schema.update_table(declared)
    return schema


def _dlt_column(column: Column, *, json_as_text: bool) -> TColumnSchema:
    data_type = _DATA_TYPES[column.kind]
    if json_as_text and data_type == "json":
        data_type = "text"
    described: dict[str, Any] = {
        "name": column.name,
        "data_type": data_type,
        "nullable": column.nullable,
        "description": column.description,
    }
    if column.kind in _LONG:
        described[COMPRESSED_HINT] = True
    if column.kind is Kind.DECIMAL:
        described |= {"precision": PRECISION, "scale": SCALE}
    return described  # type: ignore[return-value] # the keys are those of TColumnSchema
