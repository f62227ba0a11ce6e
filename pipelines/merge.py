"""The merge: staged rows replace older versions, in SQL that every SQL destination runs.

All statements of a package run in one transaction, the ledger's among them: readers see the
package whole or not at all, and the ledger never says more or less than the tables.

    staged      a(2)      with the rows of a(2) in typed and child tables
    warehouse   a(1) ->   rows of a(1) leave every table of the chain, rows of a(2) arrive
    warehouse   a(3) ->   a(2) came late: it leaves the staging tables, nothing changes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sources.tables.declarations import TableSchema


@dataclass(frozen=True, slots=True)
class Names:
    """How the destination writes names: qualified tables of both datasets, quoted columns."""

    final: Callable[[str], str]
    staged: Callable[[str], str]
    column: Callable[[str], str]


def late_rows_condition(root: TableSchema, names: Names) -> str:
    """Return the condition that a staged row ``s`` of ``root`` has a later version stored."""
    later = is_later("d", "s", [names.column(column) for column in root.version])
    same = same_key(root.key, root.key, names, left="d", right="s")
    return f"EXISTS (SELECT 1 FROM {names.final(root.name)} AS d WHERE {same} AND ({later}))"


def count_late_sql(root: TableSchema, names: Names) -> str:
    """Return the query that counts the staged rows that come late."""
    condition = late_rows_condition(root, names)
    return f"SELECT COUNT(*) FROM {names.staged(root.name)} AS s WHERE {condition}"


def drop_late_statements(
    root: TableSchema, dependents: Iterable[TableSchema], names: Names
) -> list[str]:
    """Return the statements that take late versions out of the staging tables."""
    condition = late_rows_condition(root, names)
    statements = [
        f"DELETE FROM {names.staged(table.name)} AS t WHERE EXISTS ("
        f"SELECT 1 FROM {names.staged(root.name)} AS s WHERE "
        f"{same_key(table.root_key, root.key, names, left='t', right='s')} AND {condition})"
        for table in dependents
    ]
    return [*statements, f"DELETE FROM {names.staged(root.name)} AS s WHERE {condition}"]


def count_rows_sql(places: Mapping[str, str]) -> str:
    """Return one query for the rows of many tables: a row each, its name and its count.

    Args:
        places: The tables as the destination writes them, by name; at least one.
    """
    return " UNION ALL ".join(
        f"SELECT '{name}', COUNT(*) FROM {place}" for name, place in places.items()
    )


def replace_statements(
    root: TableSchema,
    held: Iterable[TableSchema],
    staged: Iterable[TableSchema],
    names: Names,
) -> list[str]:
    """Return the statements that replace a chain's older versions by the staged ones.

    Args:
        root: The root table.
        held: The tables that hold rows, the root last. Rows of theirs that belong to a replaced
            version leave even where no new ones arrive.
        staged: The tables that have staged rows.
        names: How the destination writes names.
    """
    deletes = [
        f"DELETE FROM {names.final(table.name)} AS d WHERE EXISTS ("
        f"SELECT 1 FROM {names.staged(root.name)} AS s WHERE "
        f"{same_key(table.root_key or root.key, root.key, names, left='d', right='s')})"
        for table in held
    ]
    return deletes + [_insert(table, names) for table in staged]


def _insert(table: TableSchema, names: Names) -> str:
    columns = ", ".join(names.column(column.name) for column in table.columns)
    return (
        f"INSERT INTO {names.final(table.name)} ({columns}) "
        f"SELECT {columns} FROM {names.staged(table.name)}"
    )


def same_key(
    left_columns: Sequence[str],
    right_columns: Sequence[str],
    names: Names,
    *,
    left: str,
    right: str,
) -> str:
    """Return the condition that rows of two aliases have equal values in these columns."""
    return " AND ".join(
        f"{left}.{names.column(mine)} = {right}.{names.column(other)}"
        for mine, other in zip(left_columns, right_columns, strict=True)
    )


def is_later(left: str, right: str, columns: Sequence[str]) -> str:
    """Return the condition that the left alias has the later version.

    Column by column: not every destination compares rows.
    """
    first, *others = columns
    condition = f"{left}.{first} > {right}.{first}"
    if others:
        rest = is_later(left, right, others)
        condition += f" OR ({left}.{first} = {right}.{first} AND ({rest}))"
    return condition
