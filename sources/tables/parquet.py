"""Arrow tables to one Parquet file a table, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from sources.tables.arrow import arrow_schema
from sources.tables.declarations import EXTRACTED_AT, FILE, JOB_ID, TableSchema

ROW_GROUP_BYTES = 8 * 1024 * 1024
# The same value a thousand times over; anything else costs more as a dictionary than it saves.
_DICTIONARY_COLUMNS = frozenset({EXTRACTED_AT, JOB_ID, FILE, "content_type", "kind", "action"})


@dataclass(frozen=True, slots=True)
class TableFile:
    """All rows of one table in one package: a finished Parquet file, or several."""

    table: TableSchema
    path: Path
    rows: int
    more_paths: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file, in the order of the lines they came from."""
        return (self.path, *self.more_paths)


def join_files(files: Iterable[TableFile]) -> list[TableFile]:
    """Return one entry a table, whose files are those of all entries of that table, in order."""
    joined: dict[str, TableFile] = {}
    for file in files:
        known = joined.get(file.table.name)
        joined[file.table.name] = (
            file
            if known is None
            else TableFile(
                file.table, known.path, known.rows + file.rows, (*known.more_paths, *file.paths)
            )
        )
    return list(joined.values())


class TableFiles:
    """Collects the rows of a package in one Parquet file a table.

    Rows wait for their row group until ``row_group_bytes`` of Arrow data wait over all tables;
    then the largest table is written. That bounds memory, whatever is added.
    """

    def __init__(self, folder: Path, *, row_group_bytes: int = ROW_GROUP_BYTES) -> None:
        self._folder = folder
        self._row_group_bytes = row_group_bytes
        self._tables: dict[str, TableSchema] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._buffers: dict[str, list[pa.Table]] = {}
        self._buffered: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def add(self, schemas: Mapping[str, TableSchema], tables: Mapping[str, pa.Table]) -> None:
        """Append rows to their tables."""
        for name, rows in tables.items():
            self._tables[name] = schemas[name]
            self._rows[name] = self._rows.get(name, 0) + rows.num_rows
            self._buffers.setdefault(name, []).append(rows)
            self._buffered[name] = self._buffered.get(name, 0) + rows.nbytes
        while sum(self._buffered.values()) >= self._row_group_bytes:
            self._flush(max(self._buffered, key=self._buffered.__getitem__))

    def finish(self) -> list[TableFile]:
        """Write what is buffered, close the files and return those that hold rows."""
        for name in list(self._buffers):
            self._flush(name)
        for writer in self._writers.values():
            writer.close()
        return [
            TableFile(self._tables[name], self._path(name), rows)
            for name, rows in self._rows.items()
            if rows
        ]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"

    def _flush(self, name: str) -> None:
        parts = self._buffers.pop(name, [])
        self._buffered.pop(name, None)
        if not parts:
            return
        rows = pa.concat_tables(parts)
        if name not in self._writers:
            self._writers[name] = open_writer(self._path(name), rows.schema)
        self._writers[name].write_table(rows)
        # Arrow would keep what it freed, several times what it holds
        pa.default_memory_pool().release_unused()


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file for rows that are read once, soon, by the destination."""
    return pq.ParquetWriter(
        path,
        schema,
        compression="snappy",
        use_dictionary=[name for name in schema.names if name in _DICTIONARY_COLUMNS],
        write_statistics=False,
    )


def write_rows(folder: Path, table: TableSchema, rows: Iterable[Mapping[str, object]]) -> TableFile:
    """Write the rows of a small table, such as the ledger's."""
    folder.mkdir(parents=True, exist_ok=True)
    built = pa.Table.from_pylist(list(rows), schema=arrow_schema(table))
    path = folder / f"{table.name}.parquet"
    with open_writer(path, built.schema) as writer:
        writer.write_table(built)
    return TableFile(table, path, built.num_rows)


def read_batches(file: TableFile, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table in order, a row group at a time."""
    for path in file.paths:
        with pq.ParquetFile(path) as parquet:
            yield from parquet.iter_batches(columns=columns)
