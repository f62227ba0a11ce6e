"""A package that is staged, merged into the tables: all of it in one transaction, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from pipelines.merge import (
    Names,
    Statement,
    Stored,
    count_rows_sql,
    delete_statements,
    drop_late_statements,
    find_stored_sql,
    insert_statement,
    span_columns,
)
from pipelines.redactions import forget_known_statement, notice_statements
from sources.gladly.identity import REDACTED_ITEMS
from sources.http.errors import RetryableError
from sources.tables.declarations import TableSchema


class CountMismatchError(RetryableError):
    """A table does not hold the rows handed over; nothing of the package was kept: run again."""

    @classmethod
    def of(cls, table: str, expected: int, found: int) -> CountMismatchError:
        """Return the error that says which rows are missing."""
        return cls(
            f"{table}: {expected:,} rows were handed over but the destination shows {found:,}. "
            "Nothing of this package was kept; run again."
        )


@dataclass(frozen=True, slots=True)
class TableChange:
    """What a package did to a table: rows that are new, that replaced others, that are gone."""

    table: str
    added: int
    updated: int
    removed: int

    @classmethod
    def of(cls, table: str, arrived: int, gone: int) -> TableChange:
        """Return the change of a table where so many rows arrived and so many others left."""
        return cls(
            table,
            added=max(arrived - gone, 0),
            updated=min(arrived, gone),
            removed=max(gone - arrived, 0),
        )

    @property
    def touched(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.updated or self.removed)


@dataclass(slots=True)
class PackageResult:
    """What a package did to each table, and how many rows of each root table came late."""

    changes: list[TableChange] = field(default_factory=list)
    late: dict[str, int] = field(default_factory=dict)


def count_rows(client: SqlClientBase[Any], places: Mapping[str, str]) -> dict[str, int]:
    """Count the rows of tables, given as the destination writes them, in one query."""
    rows = client.execute_sql(count_rows_sql(places)) if places else None
    return {table: int(count) for table, count in rows or ()}


@dataclass(frozen=True, slots=True)
class Merge:
    """The merge of one package; statements are made for tables that hold or get rows only.

    Attributes:
        client: An open connection.
        names: How it writes names.
        make_deletable: Lets staged rows of tables be deleted.
        tables: Every table of the dataset, by name.
        result: What the package did; added to.
    """

    client: SqlClientBase[Any]
    names: Names
    make_deletable: Callable[[Iterable[str]], None]
    tables: Mapping[str, TableSchema]
    result: PackageResult

    def run(self, rows: Mapping[str, int]) -> None:
        """Merge the staged tables of the names, which were handed over with so many rows.

        It runs inside a transaction, which an error must end.

        Raises:
            CountMismatchError: not all rows arrived.
        """
        staged = dict(rows)
        for table, found in self._count_staged(staged).items():
            if found != staged[table]:
                raise CountMismatchError.of(table, staged[table], found)
        if REDACTED_ITEMS.name in staged:
            self.make_deletable([REDACTED_ITEMS.name])
            self._execute([forget_known_statement(self.names)])
            staged |= self._count_staged([REDACTED_ITEMS.name])
        for root in self._roots(staged):
            self._merge_chain(root, staged)

    def _roots(self, staged: Iterable[str]) -> list[TableSchema]:
        """Return the root tables of a package; a dependent never comes without its root."""
        tables = [self.tables[name] for name in staged]
        roots = [table for table in tables if not table.parent]
        complete = {"", *(root.name for root in roots)}
        if orphans := [table.name for table in tables if table.parent not in complete]:
            raise ValueError(f"{orphans} were handed over without their root table")
        # what a package itself shows of a redaction comes first: it knows the time more exactly
        return sorted(roots, key=lambda table: table.name != REDACTED_ITEMS.name)

    def _merge_chain(self, root: TableSchema, rows: Mapping[str, int]) -> None:
        dependents = [table for table in self.tables.values() if table.parent == root.name]
        chain = [root, *dependents]
        staged = {table.name: rows.get(table.name, 0) for table in chain}
        before = self._count_final(staged)
        stored = self._find_stored(root, dependents) if before[root.name] else Stored(0, 0, {})
        if stored.late:
            self.result.late[root.name] = stored.late
            arrived = [table for table in dependents if staged[table.name]]
            staged |= self._drop_late(root, arrived, stored)
        held = stored.may_be_in(table for table in (*dependents, root) if before[table.name])
        filled = [table for table in chain if staged[table.name]]
        both = [table for table in held if table in filled and table.parent]
        self._notice_redactions(both, stored)
        self._execute(delete_statements(root, held, stored, self.names))
        self._execute(insert_statement(table, self.names) for table in filled)
        touched = {table.name for table in (*held, *filled)}
        for table, after in self._count_final(touched).items():
            expected = before[table] + staged[table]
            if after > expected:
                raise CountMismatchError.of(table, expected, after)
            change = TableChange.of(table, staged[table], expected - after)
            if change.touched:
                self.result.changes.append(change)

    def _find_stored(self, root: TableSchema, dependents: Iterable[TableSchema]) -> Stored:
        columns = span_columns(root, dependents)
        ((*found,),) = self.client.execute_sql(find_stored_sql(root, columns, self.names)) or ()
        return Stored.of(columns, found)

    def _drop_late(
        self, root: TableSchema, staged: Sequence[TableSchema], stored: Stored
    ) -> dict[str, int]:
        """Take rows that come late out of staging; return what is left in the tables of a chain."""
        self._notice_redactions(staged, stored, late=True)
        self.make_deletable([root.name, *(table.name for table in staged)])
        self._execute(drop_late_statements(root, staged, stored, self.names))
        return self._count_staged([root.name, *(table.name for table in staged)])

    def _notice_redactions(
        self, tables: Sequence[TableSchema], stored: Stored, *, late: bool = False
    ) -> None:
        statements = notice_statements(tables, stored, self.names, late=late)
        known = REDACTED_ITEMS.name
        if known not in self.tables or not statements:
            return
        before = self._count_final([known])[known]
        self._execute(statements)
        noticed = self._count_final([known])[known] - before
        if noticed:
            self.result.changes.append(TableChange.of(known, noticed, 0))

    def _count_staged(self, tables: Iterable[str]) -> dict[str, int]:
        return count_rows(self.client, {table: self.names.staged(table) for table in tables})

    def _count_final(self, tables: Iterable[str]) -> dict[str, int]:
        return count_rows(self.client, {table: self.names.final(table) for table in tables})

    def _execute(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self.client.execute_sql(statement.sql, *statement.values)
