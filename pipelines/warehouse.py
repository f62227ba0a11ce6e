"""The destination as the jobs see it: declared tables, packages that arrive whole, a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

import dlt
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase

from pipelines.compact import copy_database, put_in_place
from pipelines.connection import Connection
from pipelines.current import current_rows_sql
from pipelines.dataset import dlt_schema
from pipelines.destinations import Capabilities, HandOver, Keeping
from pipelines.merge import Names
from pipelines.merging import Merge, PackageResult, TableChange
from pipelines.session import Session
from pipelines.staged_files import FileStaging
from pipelines.staging import (
    DltStaging,
    Staging,
    declare_tables,
    load_files,
    new_pipeline,
    qualified_in,
)
from sources.tables.declarations import TableSchema
from sources.tables.ledger import LOAD_FILES
from sources.tables.parquet import TableFile

_SCHEMA_NAME = "helpdesk"
_SCRATCH_NAME = "helpdesk_scratch"


class Warehouse:
    """A dataset at a destination that holds declared tables, one current version a key."""

    def __init__(
        self,
        destination: Destination[Any, Any],
        capabilities: Capabilities,
        dataset: str,
        tables: Sequence[TableSchema],
        folder: Path,
    ) -> None:
        """Describe a dataset; nothing is opened before ``prepare``.

        Args:
            destination: Where, as dlt knows it.
            capabilities: What the destination can do.
            dataset: The dataset (database schema or folder) that holds the tables.
            tables: Every table, with or without rows.
            folder: A folder for dlt's work, disposable at any time.
        """
        self._destination = destination
        self._capabilities = capabilities
        self._dataset = dataset
        self._tables = {table.name: table for table in tables}
        self._folder = folder
        self._pipeline: dlt.Pipeline | None = None
        self._connection = Connection(lambda: self._dlt().sql_client(_SCHEMA_NAME))

    def declare(self) -> Self:
        """Make the tables known to dlt without touching the destination: enough for reading."""
        pipeline = new_pipeline(
            "helpdesk", self._destination, self._dataset, self._folder / "final"
        )
        schema = dlt_schema(
            _SCHEMA_NAME, self._tables.values(), json_as_text=self._capabilities.json_as_text
        )
        declare_tables(pipeline, schema)
        self._pipeline = pipeline
        self._connection.renew()
        return self

    def prepare(self) -> None:
        """Create the dataset and every table, and add columns that are new since the last run."""
        if self._pipeline is None:
            self.declare()
        with self.opened():
            self._dlt().sync_schema(_SCHEMA_NAME)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the destination open: what is asked of it inside needs not open it again.

        Do not wait for anything else inside: nobody else can open an embedded database meanwhile,
        and servers close connections that say nothing.
        """
        with self._client():
            yield

    def load(self, files: Sequence[TableFile]) -> PackageResult:
        """Load a package: whole, or not at all.

        The rows of each root table replace older versions of their keys in every table of the
        chain; rows that come late, because a later version is stored, change nothing.

        Raises:
            CountMismatchError: not all rows arrived; nothing was kept.
        """
        files = [file for file in files if file.rows]
        if not files:
            return PackageResult()
        if self._capabilities.keeping is Keeping.APPEND:
            return self._append(files)
        # one connection stays open: an embedded destination is then opened and closed only once
        with self._client() as client:
            result = PackageResult()
            staging = self._staging(client)
            names = Names(client.make_qualified_table_name, staging.name, client.escape_column_name)
            rows = {file.table.name: file.rows for file in files}
            with staging.transaction(files):
                Merge(client, names, staging.make_deletable, self._tables, result).run(rows)
            return result

    def is_reachable(self) -> bool:
        """Ask the destination something; return whether the dataset is there.

        Raises:
            Exception: the destination cannot be reached, as dlt says it.
        """
        with self._client() as client:
            client.execute_sql("SELECT 1")
            return client.has_dataset()

    def read(
        self, table: str, columns: Sequence[str], where: str = "", *parameters: object
    ) -> list[tuple[Any, ...]]:
        """Return the named columns of the current rows of a table.

        Values that somebody else chose are ``parameters``, each a ``%s`` of ``where``.
        """
        with self._client() as client:
            names = self._names(client)
            selected = ", ".join(names.column(column) for column in columns)
            sql = f"SELECT {selected} FROM {self.current_rows(table, names)} AS c"
            rows = self._query(client, sql + (f" WHERE {where}" if where else ""), *parameters)
            return [tuple(row) for row in rows]

    def current_rows(self, table: str, names: Names) -> str:
        """Return what stands for the current rows of a table after FROM, in any session.

        Where every version is kept (files in a folder), a table that no load has filled cannot be
        asked; ``present`` tells.
        """
        if self._capabilities.keeping is Keeping.MERGE:
            return names.final(table)
        schema = self._tables[table]
        root = self._tables[schema.parent] if schema.parent else schema
        return f"({current_rows_sql(schema, root, names)})"

    def present(self, tables: Iterable[str]) -> set[str]:
        """Return which tables are there: files in a folder have none of a table without rows."""
        if self._capabilities.keeping is Keeping.MERGE:
            return {*tables}
        with self._client() as client:
            names = self._names(client)
            return {table for table in tables if self._is_present(client, table, names)}

    def count(self, tables: Iterable[str]) -> dict[str, int]:
        """Return how many current rows each table has."""
        with self._client() as client:
            names = self._names(client)
            return {table: self._count(client, table, names) for table in tables}

    @property
    def can_delete(self) -> bool:
        """Whether rows can leave the tables again."""
        return self._capabilities.keeping is Keeping.MERGE

    @contextmanager
    def session(self, scratch: Sequence[TableSchema] = ()) -> Iterator[Session]:
        """Open the destination for statements of one's own.

        Args:
            scratch: Tables to have in the staging dataset, whatever they hold.
        """
        with self._client() as client:
            if scratch:
                pipeline = new_pipeline(
                    "helpdesk_scratch",
                    self._destination,
                    self._staging_dataset,
                    self._folder / "scratch",
                )
                schema = dlt_schema(
                    _SCRATCH_NAME, scratch, json_as_text=self._capabilities.json_as_text
                )
                declare_tables(pipeline, schema)
                pipeline.sync_schema(_SCRATCH_NAME)
            yield Session(client, self._names(client))

    def compact(self) -> None:
        """Make an embedded database give up the bytes of deleted rows; others do by themselves.

        Raises:
            RetryableError: another program has the database open; nothing changed.
        """
        if not self.can_compact:
            return
        with self.session() as session:
            copied = copy_database(session)
        if copied:
            put_in_place(*copied)

    @property
    def can_compact(self) -> bool:
        """Whether the destination is a database that lies in a file of this machine."""
        return self._capabilities.database_file is not None

    @property
    def _staging_dataset(self) -> str:
        return f"{self._dataset}_staging"

    def _dlt(self) -> dlt.Pipeline:
        if self._pipeline is None:
            raise RuntimeError("prepare() or declare() comes first")
        return self._pipeline

    def _client(self) -> AbstractContextManager[SqlClientBase[Any]]:
        return self._connection.opened()

    def _names(self, client: SqlClientBase[Any]) -> Names:
        def staged(table: str) -> str:
            return qualified_in(client, self._staging_dataset, table)

        return Names(client.make_qualified_table_name, staged, client.escape_column_name)

    def _count(self, client: SqlClientBase[Any], table: str, names: Names) -> int:
        rows = self._query(client, f"SELECT COUNT(*) FROM {self.current_rows(table, names)} AS c")
        return int(rows[0][0]) if rows else 0

    def _query(
        self, client: SqlClientBase[Any], sql: str, *parameters: object
    ) -> Sequence[Sequence[Any]]:
        """Return the rows of a query; a table that no load has made yet is empty."""
        try:
            return client.execute_sql(sql, *parameters) or ()
        except DestinationUndefinedEntity:
            return ()

    def _is_present(self, client: SqlClientBase[Any], table: str, names: Names) -> bool:
        try:
            client.execute_sql(f"SELECT 1 FROM {names.final(table)} LIMIT 1")
        except DestinationUndefinedEntity:
            return False
        return True

    def _chains(self, files: Iterable[TableFile]) -> list[TableSchema]:
        """Return all tables of the chains that a package touches."""
        roots = {file.table.parent or file.table.name for file in files}
        return [table for table in self._tables.values() if (table.parent or table.name) in roots]

    def _staging(self, client: SqlClientBase[Any]) -> Staging:
        """Return where the rows of a package wait for their merge."""
        if self._capabilities.hand_over is HandOver.QUERY:
            return FileStaging(client)
        return DltStaging(client, self._staging_dataset, self._fill_staging)

    def _fill_staging(self, files: Sequence[TableFile]) -> None:
        pipeline = new_pipeline(
            "helpdesk_staging", self._destination, self._staging_dataset, self._folder / "staging"
        )
        load_files(pipeline, _SCHEMA_NAME, files, self._capabilities, "replace")

    def _append(self, files: Sequence[TableFile]) -> PackageResult:
        """Append all versions; the ledger comes last, so that it never tells of missing rows."""
        names = [table.name for table in self._chains(files)]
        before = self.count(names)
        for part in (
            [file for file in files if not _is_ledger(file.table)],
            [file for file in files if _is_ledger(file.table)],
        ):
            pipeline = new_pipeline(
                "helpdesk_append", self._destination, self._dataset, self._folder / "append"
            )
            if part:
                load_files(pipeline, _SCHEMA_NAME, part, self._capabilities, "append")
        self._connection.renew()
        after = self.count(names)
        arrived = dict.fromkeys(names, 0) | {file.table.name: file.rows for file in files}
        changes = [
            TableChange.of(name, arrived[name], before[name] + arrived[name] - after[name])
            for name in names
        ]
        return PackageResult([change for change in changes if change.touched])


def _is_ledger(table: TableSchema) -> bool:
    return LOAD_FILES.name in (table.name, table.parent)
