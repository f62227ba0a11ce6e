"""The merge: staged rows replace older versions, in SQL that every SQL destination runs.

All statements of a package run in one transaction, the ledger's among them: readers see the
package whole or not at all, and the ledger never says more or less than the tables.

    staged      a(2)      with the rows of a(2) in typed and child tables
    warehouse   a(1) ->   rows of a(1) leave every table of the chain, rows of a(2) arrive
    warehouse   a(3) ->   a(2) came late: it leaves the staging tables, nothing changes

Keys are looked for once, in the root table. What is stored of them came from few files, and the
rows of these stand together in every table: only there are they looked for again.

    stored      | job 1 | job 2 | ... | job 8 | job 9 |
    of staged keys                    [a(1)      b(1)]      the span of their versions
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sources.tables.declarations import EXTRACTED_AT, LINE, TableSchema


@dataclass(frozen=True, slots=True)
class Names:
    """How the destination writes names: qualified tables of both datasets, quoted columns."""

    final: Callable[[str], str]
    staged: Callable[[str], str]
    column: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or a part of one, and the values that its ``%s`` stand for, in order."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of the keys of staged root rows.

    Attributes:
        rows: Stored rows of such keys.
        late: Those with a later version than the staged one.
        span: The least and the greatest of the times of extraction and lines that these rows, and
            all that depend on them, are of; empty where rows of these keys may be anywhere.
    """

    rows: int
    late: int
    span: Mapping[str, tuple[Any, Any]]

    @classmethod
    def of(cls, columns: Sequence[str], found: Sequence[Any]) -> Stored:
        """Return what a row of ``find_stored_sql`` tells."""
        rows, late, *ends = found
        pairs = zip(ends[::2], ends[1::2], strict=True)
        return cls(int(rows), int(late or 0), dict(zip(columns, pairs, strict=True)))

    def holds(self, names: Names) -> Statement:
        """Return the condition that a row ``d`` of any table of the chain may be one of these."""
        within = [f"d.{names.column(name)} BETWEEN %s AND %s" for name in self.span]
        values = (end for ends in self.span.values() for end in ends)
        return Statement(" AND ".join(within) or "1 = 1", tuple(values))

    def may_be_in(self, tables: Iterable[TableSchema]) -> list[TableSchema]:
        """Return those of the tables that may hold rows of these keys."""
        return [*tables] if self.rows or not self.span else []


def span_columns(root: TableSchema, dependents: Iterable[TableSchema]) -> list[str]:
    """Return the columns by which rows of a chain stand in order, equal in all rows of a key.

    Files of the ledger and windows of reports have none, since their rows are of many lines.
    People delete rows of these two so that they are loaded again, which leaves dependents alone.
    """
    in_order = (EXTRACTED_AT, LINE)
    if any(not {*in_order} <= {*table.root_version} for table in dependents):
        return []
    return [name for name in in_order if name in root.columns_by_name]


def find_stored_sql(root: TableSchema, columns: Iterable[str], names: Names) -> str:
    """Return the query for ``Stored``: one row."""
    ends = "".join(f", MIN(d.{column}), MAX(d.{column})" for column in map(names.column, columns))
    return (
        f"SELECT COUNT(*), SUM(CASE WHEN {_is_late(root, names)} THEN 1 ELSE 0 END){ends} "
        f"FROM {names.staged(root.name)} AS s JOIN {names.final(root.name)} AS d "
        f"ON {same_key(root.key, root.key, names, left='d', right='s')}"
    )


def drop_late_statements(
    root: TableSchema, dependents: Iterable[TableSchema], stored: Stored, names: Names
) -> list[Statement]:
    """Return the statements that take late versions out of the staging tables."""
    same = same_key(root.key, root.key, names, left="d", right="s")
    holds = stored.holds(names)
    condition = (
        f"EXISTS (SELECT 1 FROM {names.final(root.name)} AS d "
        f"WHERE {same} AND {holds.sql} AND ({_is_late(root, names)}))"
    )
    statements = [
        f"DELETE FROM {names.staged(table.name)} AS t WHERE EXISTS ("
        f"SELECT 1 FROM {names.staged(root.name)} AS s WHERE "
        f"{same_key(table.root_key, root.key, names, left='t', right='s')} AND {condition})"
        for table in dependents
    ]
    statements.append(f"DELETE FROM {names.staged(root.name)} AS s WHERE {condition}")
    return [Statement(sql, holds.values) for sql in statements]


def count_rows_sql(places: Mapping[str, str]) -> str:
    """Return one query for the rows of many tables: a row each, its name and its count.

    Args:
        places: The tables as the destination writes them, by name; at least one.
    """
    return " UNION ALL ".join(
        f"SELECT '{name}', COUNT(*) FROM {place}" for name, place in places.items()
    )


def delete_statements(
    root: TableSchema, held: Iterable[TableSchema], stored: Stored, names: Names
) -> list[Statement]:
    """Return the statements that take the stored versions of staged keys out of a chain's tables.

    Args:
        root: The root table.
        held: The tables that hold rows, the root last. Rows of theirs that belong to a replaced
            version leave even where no new ones arrive.
        stored: Where these versions are.
        names: How the destination writes names.
    """
    holds = stored.holds(names)
    return [
        Statement(
            f"DELETE FROM {names.final(table.name)} AS d WHERE {holds.sql} AND EXISTS ("
            f"SELECT 1 FROM {names.staged(root.name)} AS s WHERE "
            f"{same_key(table.root_key or root.key, root.key, names, left='d', right='s')})",
            holds.values,
        )
        for table in held
    ]


def insert_statement(table: TableSchema, names: Names) -> Statement:
    """Return the statement that adds the staged rows of a table."""
    columns = ", ".join(names.column(column.name) for column in table.columns)
    return Statement(
        f"INSERT INTO {names.final(table.name)} ({columns}) "
        f"SELECT {columns} FROM {names.staged(table.name)}"
    )


def _is_late(root: TableSchema, names: Names) -> str:
    return is_later("d", "s", [names.column(column) for column in root.version])


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
