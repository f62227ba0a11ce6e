"""Rows of a package wait in bounded memory, and all of them arrive."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.tables.arrow import arrow_schema
from sources.tables.declarations import Column, Kind, TableSchema
from sources.tables.parquet import TableFiles

SCHEMAS = {
    name: TableSchema(name, (Column("id", Kind.TEXT, "Id."),), ("id",), "Test.", ("id",))
    for name in ("small", "large")
}


def rows(name: str, *keys: str) -> pa.Table:
    return pa.table({"id": list(keys)}, schema=arrow_schema(SCHEMAS[name]))


def test_the_largest_table_is_written_when_all_together_wait_too_long(tmp_path: Path) -> None:
    with TableFiles(tmp_path, row_group_bytes=1000) as files:
        for number in range(100):
            files.add(SCHEMAS, {"small": rows("small", "x"), "large": rows("large", "y" * 90)})
            waiting = sum(files._buffered.values())
            assert waiting < 1000, number
        finished = {file.table.name: file for file in files.finish()}
    assert {name: file.rows for name, file in finished.items()} == {"small": 100, "large": 100}
    groups = {name: pq.ParquetFile(file.path).num_row_groups for name, file in finished.items()}
    assert groups["large"] > groups["small"]
    assert pq.read_table(finished["large"].path).column("id").to_pylist() == ["y" * 90] * 100


def test_a_table_without_rows_has_no_file(tmp_path: Path) -> None:
    with TableFiles(tmp_path) as files:
        files.add(SCHEMAS, {"small": rows("small")})
        assert files.finish() == []
