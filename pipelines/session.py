"""Statements of our own at a destination: one open connection and how it writes names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from pipelines.merge import Names

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection to a dataset. Outside of ``transaction`` each statement is final."""

    client: SqlClientBase[Any]
    names: Names

    def transaction(self) -> AbstractContextManager[Any]:
        """Make the statements inside it count together or not at all."""
        return self.client.begin_transaction()

    def run(self, statements: Iterable[str]) -> None:
        """Run statements one after the other."""
        for statement in statements:
            self.client.execute_sql(statement)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query: for few. Each ``%s`` in it stands for a value."""
        return [tuple(row) for row in self.client.execute_sql(sql, *values) or ()]

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query: for many. No other statement may run in between."""
        with self.client.execute_query(sql) as cursor:
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                yield from map(tuple, rows)

    def number(self, sql: str) -> int:
        """Return the single number a query asks for."""
        ((value,),) = self.rows(sql)
        return int(value)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows, some hundred values a statement; ``table`` is written as in ``names``."""
        pending: list[Sequence[Any]] = []
        named = ", ".join(map(self.names.column, columns))
        places = f"({', '.join(['%s'] * len(columns))})"
        at_once = max(1, 600 // len(columns))

        def flush() -> None:
            values = ", ".join([places] * len(pending))
            flat = [value for row in pending for value in row]
            self.client.execute_sql(f"INSERT INTO {table} ({named}) VALUES {values}", *flat)
            pending.clear()

        for row in rows:
            pending.append(row)
            if len(pending) == at_once:
                flush()
        if pending:
            flush()
