"""Staged rows that stay in our Parquet files: the destination reads them in its own queries.

Nothing is copied before the merge, and a package leaves nothing behind at the destination but what
the merge made of it, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from sources.tables.parquet import TableFile


@dataclass(slots=True)
class FileStaging:
    """The files of a package, read by a destination that reads Parquet files of this machine.

    Attributes:
        client: An open connection.
    """

    client: SqlClientBase[Any]
    _places: dict[str, str] = field(default_factory=dict)
    _copies: dict[str, str] = field(default_factory=dict)

    def name(self, table: str) -> str:
        """Return the expression that reads a table's files, or the name of its copy."""
        return self._copies.get(table) or self._places[table]

    @contextmanager
    def transaction(self, files: Sequence[TableFile]) -> Iterator[None]:
        """Begin; whether the transaction counts or not, no copy is there afterwards."""
        self._places = {file.table.name: f"read_parquet({_listed(file)})" for file in files}
        self._copies = {}
        with self.client.begin_transaction():
            yield
            for copy in self._copies.values():
                self.client.execute_sql(f"DROP TABLE {copy}")

    def make_deletable(self, tables: Iterable[str]) -> None:
        """Copy staged rows into temporary tables: late rows are rare, so few tables need one."""
        for table in {*tables} - {*self._copies}:
            copy = f"temp.main.{self.client.escape_column_name(f'staged_{table}')}"
            self.client.execute_sql(
                f"CREATE TEMP TABLE {copy} AS SELECT * FROM {self._places[table]}"
            )
            self._copies[table] = copy


def _listed(file: TableFile) -> str:
    """Return the paths of a table's files as a list in SQL."""
    quoted = (str(path).replace("'", "''") for path in file.paths)
    return "[" + ", ".join(f"'{path}'" for path in quoted) + "]"
