"""The current rows of a table whose destination keeps every version (files in a folder).

A root row is current if no other version of its key is later; a typed or child row is current if
it belongs to the current version of its root row. Loading the same version twice, as after a
crash, changes nothing.
"""

from __future__ import annotations

from pipelines.merge import Names
from sources.tables.declarations import TableSchema


def current_rows_sql(table: TableSchema, root: TableSchema, names: Names) -> str:
    """Return a query for the current rows of ``table``; ``root`` is its root, or itself."""
    columns = ", ".join(f"v.{names.column(column.name)}" for column in table.columns)
    current = f"SELECT {columns} FROM ({_ranked(table, names)}) AS v"
    if not table.parent:
        return f"{current} WHERE v.version_rank = 1"
    same_row = zip(table.root_key, root.key, strict=True)
    same_version = ((name, name) for name in table.root_version)
    belongs = " AND ".join(
        f"v.{names.column(mine)} = r.{names.column(other)}"
        for mine, other in (*same_row, *same_version)
    )
    return (
        f"{current} JOIN ({_ranked(root, names)}) AS r ON {belongs} "
        "WHERE v.version_rank = 1 AND r.version_rank = 1"
    )


def _ranked(table: TableSchema, names: Names) -> str:
    key = ", ".join(map(names.column, table.key))
    order = ", ".join(f"{names.column(column)} DESC" for column in table.version)
    return (
        f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}) AS version_rank "
        f"FROM {names.final(table.name)}"
    )
