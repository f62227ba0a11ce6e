"""The destination as the jobs see it: declared tables, packages that arrive whole, a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import dlt
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase
from dlt.extract.source import DltSource

from pipelines.compact import copy_database, put_in_place
from pipelines.current import current_rows_sql
from pipelines.dataset import dlt_schema
from pipelines.destinations import Capabilities, Keeping
from pipelines.merge import Names, count_late_sql, drop_late_statements, replace_statements
from pipelines.redactions import forget_known_statement, notice_statements
from pipelines.session import Session
from pipelines.staging import load_files, new_pipeline
from sources.gladly.identity import REDACTED_ITEMS
from sources.http.errors import RetryableError
from sources.tables.declarations import FILE, JOB_ID, TableSchema
from sources.tables.ledger import LOAD_FILES
from sources.tables.parquet import TableFile

_SCHEMA_NAME = "helpdesk"
_SCRATCH_NAME = "helpdesk_scratch"


class CountMismatchError(RetryableError):
    """A table does not hold the rows handed over; nothing of the package was kept: run again."""


@dataclass(frozen=True, slots=True)
class TableChange:
    """What a package did to a table: rows that are new, that replaced others, that are gone."""

    table: str
    added: int
    updated: int
    removed: int

    @property
    def touched(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.updated or self.removed)


@dataclass(slots=True)
class PackageResult:
    """What a package did to each table, and how many rows of each root table came late."""

    changes: list[TableChange] = field(default_factory=list)
    late: dict[str, int] = field(default_factory=dict)


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

    def declare(self) -> Self:
        """Make the tables known to dlt without touching the destination: enough for reading."""
        pipeline = new_pipeline(
            "helpdesk", self._destination, self._dataset, self._folder / "final"
        )
        schema = dlt_schema(
            _SCHEMA_NAME, self._tables.values(), json_as_text=self._capabilities.json_as_text
        )
        pipeline.extract(DltSource(schema, _SCHEMA_NAME, []))
        self._pipeline = pipeline
        return self

    def prepare(self) -> None:
        """Create the dataset and every table, and add columns that are new since the last run."""
        self.declare()
        self._dlt().sync_schema()

    def load(self, files: Sequence[TableFile], *, stream: str | None = None) -> PackageResult:
        """Load a package: whole, or not at all.

        The rows of each root table replace older versions of their keys in every table of the
        chain; rows that come late, because a later version is stored, change nothing.

        Args:
            files: The rows.
            stream: The feed they come from, as the ledger names it. The first package of a feed
                whose tables are empty takes a shorter way into them.

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
            if stream is not None and self._is_new(client, stream, files):
                files = self._load_new(client, files, result)
            self._stage(files)
            return self._merge(client, files, result)

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
        asked; ``count`` tells.
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
                pipeline.extract(DltSource(schema, _SCRATCH_NAME, []))
                pipeline.sync_schema()
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

    @contextmanager
    def _client(self) -> Iterator[SqlClientBase[Any]]:
        with self._dlt().sql_client() as client:
            yield client

    def _names(self, client: SqlClientBase[Any]) -> Names:
        def staged(table: str) -> str:
            with client.with_alternative_dataset_name(self._staging_dataset):
                return client.make_qualified_table_name(table)

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

    def _is_new(self, client: SqlClientBase[Any], stream: str, files: Sequence[TableFile]) -> bool:
        """Whether this is the first package of its feed, into tables that hold nothing."""
        names = self._names(client)
        loaded = client.execute_sql(
            f"SELECT COUNT(*) FROM {names.final(LOAD_FILES.name)} "
            f"WHERE {names.column('stream')} = %s",
            stream,
        )
        if not loaded or loaded[0][0]:
            return False
        tables = [table for table in self._chains(files) if not _is_ledger(table)]
        for table in tables:
            # rows of a first load that was killed: the ledger knows nothing of them, which it
            # does not of lists either (their file is a path)
            client.execute_sql(
                f"DELETE FROM {names.final(table.name)} "
                f"WHERE {names.column(FILE)} NOT LIKE '/%%' AND {names.column(JOB_ID)} "
                f"NOT IN (SELECT {names.column('job_id')} FROM {names.final(LOAD_FILES.name)})"
            )
        return not any(self._count(client, table.name, names) for table in tables)

    def _load_new(
        self, client: SqlClientBase[Any], files: Sequence[TableFile], result: PackageResult
    ) -> list[TableFile]:
        """Load straight into empty tables; return the ledger, which makes it count.

        There is nothing to replace, and until the ledger is written nothing that was loaded: a
        first load that is killed is wiped by the next one.
        """
        rows = [file for file in files if not _is_ledger(file.table)]
        pipeline = new_pipeline(
            "helpdesk_new", self._destination, self._dataset, self._folder / "new"
        )
        load_files(pipeline, _SCHEMA_NAME, rows, self._capabilities, "append")
        names = self._names(client)
        for file in rows:
            _require(file.table.name, file.rows, self._count(client, file.table.name, names))
            result.changes.append(_change(file.table.name, file.rows, 0))
        return [file for file in files if _is_ledger(file.table)]

    def _chains(self, files: Iterable[TableFile]) -> list[TableSchema]:
        """Return all tables of the chains that a package touches."""
        roots = {file.table.parent or file.table.name for file in files}
        return [table for table in self._tables.values() if (table.parent or table.name) in roots]

    def _stage(self, files: Sequence[TableFile]) -> None:
        pipeline = new_pipeline(
            "helpdesk_staging", self._destination, self._staging_dataset, self._folder / "staging"
        )
        load_files(pipeline, _SCHEMA_NAME, files, self._capabilities, "replace")

    def _merge(
        self, client: SqlClientBase[Any], files: Sequence[TableFile], result: PackageResult
    ) -> PackageResult:
        names = self._names(client)
        rows = {file.table.name: file.rows for file in files}
        for table, expected in rows.items():
            found = _single(client, f"SELECT COUNT(*) FROM {names.staged(table)}")
            _require(table, expected, found)
        with client.begin_transaction():
            if REDACTED_ITEMS.name in rows:
                _execute(client, [forget_known_statement(names)])
                rows[REDACTED_ITEMS.name] = _single(
                    client, f"SELECT COUNT(*) FROM {names.staged(REDACTED_ITEMS.name)}"
                )
            for root in self._roots(rows):
                self._merge_chain(client, root, rows, names, result)
        with client.with_alternative_dataset_name(self._staging_dataset):
            client.truncate_tables(*rows)
        return result

    def _roots(self, rows: dict[str, int]) -> list[TableSchema]:
        """Return the root tables of a package; a dependent never comes without its root."""
        staged = [self._tables[name] for name in rows]
        if orphans := [t.name for t in staged if t.parent and t.parent not in rows]:
            raise ValueError(f"{orphans} were handed over without their root table")
        roots = [table for table in staged if not table.parent]
        # what a package itself shows of a redaction comes first: it knows the time more exactly
        return sorted(roots, key=lambda table: table.name != REDACTED_ITEMS.name)

    def _merge_chain(
        self,
        client: SqlClientBase[Any],
        root: TableSchema,
        rows: dict[str, int],
        names: Names,
        result: PackageResult,
    ) -> None:
        dependents = [table for table in self._tables.values() if table.parent == root.name]
        chain = [root, *dependents]
        staged = {table.name: rows.get(table.name, 0) for table in chain}
        late = _single(client, count_late_sql(root, names))
        if late:
            result.late[root.name] = late
            present = [table for table in dependents if staged[table.name]]
            self._notice_redactions(client, present, names, result, late=True)
            _execute(client, drop_late_statements(root, present, names))
            for table in (root, *present):
                staged[table.name] = _single(
                    client,
                    f"SELECT COUNT(*) FROM {names.staged(table.name)}",
                )
        before = {table.name: self._count(client, table.name, names) for table in chain}
        filled = frozenset(name for name, count in staged.items() if count)
        touched = [table for table in dependents if before[table.name] or table.name in filled]
        compared = [table for table in dependents if before[table.name] and table.name in filled]
        self._notice_redactions(client, compared, names, result)
        _execute(client, replace_statements(root, touched, filled, names))
        for table in chain:
            after = self._count(client, table.name, names)
            removed = before[table.name] + staged[table.name] - after
            if removed < 0:
                expected = before[table.name] + staged[table.name]
                raise CountMismatchError(_mismatch(table.name, expected, after))
            change = _change(table.name, staged[table.name], removed)
            if change.touched:
                result.changes.append(change)

    def _notice_redactions(
        self,
        client: SqlClientBase[Any],
        tables: Sequence[TableSchema],
        names: Names,
        result: PackageResult,
        *,
        late: bool = False,
    ) -> None:
        statements = notice_statements(tables, names, late=late)
        if REDACTED_ITEMS.name not in self._tables or not statements:
            return
        before = self._count(client, REDACTED_ITEMS.name, names)
        _execute(client, statements)
        noticed = self._count(client, REDACTED_ITEMS.name, names) - before
        if noticed:
            result.changes.append(_change(REDACTED_ITEMS.name, noticed, 0))

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
        after = self.count(names)
        arrived = {file.table.name: file.rows for file in files}
        changes = [
            _change(name, arrived.get(name, 0), before[name] + arrived.get(name, 0) - after[name])
            for name in names
        ]
        return PackageResult([change for change in changes if change.touched])


def _is_ledger(table: TableSchema) -> bool:
    return LOAD_FILES.name in (table.name, table.parent)


def _change(table: str, arrived: int, gone: int) -> TableChange:
    return TableChange(
        table,
        added=max(arrived - gone, 0),
        updated=min(arrived, gone),
        removed=max(gone - arrived, 0),
    )


def _single(client: SqlClientBase[Any], sql: str) -> int:
    rows = client.execute_sql(sql)
    if not rows:
        raise RuntimeError(f"The destination answered nothing to: {sql}")
    return int(rows[0][0])


def _execute(client: SqlClientBase[Any], statements: Iterable[str]) -> None:
    for statement in statements:
        client.execute_sql(statement)


def _require(table: str, expected: int, found: int) -> None:
    if found != expected:
        raise CountMismatchError(_mismatch(table, expected, found))


def _mismatch(table: str, expected: int, found: int) -> str:
    return (
        f"{table}: {expected:,} rows were handed over but the destination shows {found:,}. "
        "Nothing of this package was kept; run again."
    )
